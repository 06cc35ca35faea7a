// LiteralReader: lines and literals as one bounded message (T1 to T4, T12).
#include "parser/framing/literal_reader.h"

#include <gtest/gtest.h>

#include <vector>

namespace postigo {
namespace {

using Read = LiteralReader::Status;

TEST(LiteralReader, T1_MessagesWithLiterals) {
  LiteralReader reader(1000);
  Bytes login = "a LOGIN {3}\r\n";
  LiteralReader::Framed framed = reader.next(login);
  EXPECT_EQ(framed.status, Read::literal);
  EXPECT_EQ(framed.size, login.size());
  EXPECT_EQ(framed.literal_size, 3u);
  EXPECT_EQ(reader.next(login).status, Read::literal) << "until it is answered";
  reader.grant();
  std::string whole = std::string(login) + "\r\n{ {2+}\r\n}\n\r\nb NOOP\r\n";
  framed = reader.next(whole);
  EXPECT_EQ(framed.status, Read::message);
  EXPECT_EQ(whole.substr(framed.size), "b NOOP\r\n");
}

TEST(LiteralReader, RefusedLiteralEndsTheCommand) {
  LiteralReader reader(1000);
  EXPECT_EQ(reader.next("a X {3}\r\n").status, Read::literal);
  reader.reset();
  EXPECT_EQ(reader.next("b NOOP\r\n").size, 8u);
}

TEST(LiteralReader, QuotesAndLookAlikes) {
  for (Bytes text : {"a X \"{3}\r\n", "a X \"q\\\"{3}\r\n", "a X {3} \r\n", "a X {3\r\n", "a X 3}\r\n", "a X {}\r\n",
                     "a X {-3}\r\n", "a X {3-}\r\n", "a X { 3}\r\n", "a X {3}}\r\n"}) {
    LiteralReader reader(1000);
    LiteralReader::Framed framed = reader.next(text);
    EXPECT_EQ(framed.status, Read::message) << text;
    EXPECT_EQ(framed.size, text.size());
  }
  for (Bytes text : {"a X \"q\" {3}\r\n", "a X {{3}\r\n", "a X{3}\r\n", "{3}\n", "a \"\\\\\" {003}\r\n"}) {
    LiteralReader reader(1000);
    EXPECT_EQ(reader.next(text).status, Read::literal) << text;
  }
}

TEST(LiteralReader, T4_SizesDoNotOverflow) {
  for (Bytes size : {"4294967297", "18446744073709551615", "18446744073709551617", "99999999999999999999999999"}) {
    LiteralReader sync(1000);
    LiteralReader::Framed framed = sync.next("a LOGIN {" + std::string(size) + "}\r\n");
    EXPECT_EQ(framed.status, Read::literal);
    EXPECT_GE(framed.literal_size, 4294967297u);
    LiteralReader at_once(1000);
    EXPECT_EQ(at_once.next("a LOGIN {" + std::string(size) + "+}\r\n").status, Read::too_big);
  }
}

TEST(LiteralReader, T12_BoundedWhateverComes) {
  LiteralReader reader(100);
  EXPECT_EQ(reader.next(std::string(99, '(')).status, Read::incomplete);
  EXPECT_EQ(reader.next(std::string(100, '(')).status, Read::too_big);
  EXPECT_EQ(reader.next("a {80+}\r\n" + std::string(79, 'x')).status, Read::incomplete);
  EXPECT_EQ(reader.next("a {80+}\r\n" + std::string(80, 'x') + std::string(12, ' ')).status, Read::too_big);
  EXPECT_EQ(reader.next("a {91+}\r\n").status, Read::incomplete);
  reader.reset();
  EXPECT_EQ(reader.next("a {92+}\r\n").status, Read::too_big);
}

TEST(LiteralReader, T7_A11_NulAnywherePoisonsOnlyItsMessage) {
  const std::string command = "a LOGIN \"x\" {3+}\r\nabc y\r\n";
  for (size_t at = 0; at < command.size(); ++at) {
    if (command[at] == '\n' || command[at] == '{' || command[at] == '3' || command[at] == '+' || command[at] == '}')
      continue;
    std::string text = command;
    text[at] = '\0';
    LiteralReader reader(1000);
    LiteralReader::Framed framed = reader.next(text + "b NOOP\r\n");
    while (framed.status == Read::message && framed.size < text.size() && !framed.poisoned) {
      text.erase(0, framed.size);
      framed = reader.next(text);
    }
    EXPECT_TRUE(framed.poisoned) << at;
    EXPECT_FALSE(reader.next("c NOOP\r\n").poisoned);
  }
}

TEST(LiteralReader, OctetByOctetIsLinear) {
  std::string text = "a LOGIN {" + std::to_string(1 << 20) + "+}\r\n" + std::string(1 << 20, 'x');
  LiteralReader reader(4 << 20);
  for (size_t size = 1; size <= text.size(); ++size) {
    ASSERT_EQ(reader.next(Bytes(text).substr(0, size)).status, Read::incomplete);
  }
  EXPECT_EQ(reader.next(text + "\r\n").size, text.size() + 2);
}

}  // namespace
}  // namespace postigo
