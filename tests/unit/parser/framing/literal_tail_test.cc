// LiteralTail: what is a literal at the end of a line and what only looks like one.
#include "parser/framing/literal_tail.h"

#include <gtest/gtest.h>

#include <string>

namespace postigo {
namespace {

LiteralTail tail_of(Bytes line) {
  LiteralTail tail;
  tail.feed(line);
  return tail;
}

TEST(LiteralTail, FindsBothForms) {
  EXPECT_TRUE(tail_of("x {12}").found());
  EXPECT_TRUE(tail_of("x {12}").sync());
  EXPECT_EQ(tail_of("x {12}\r").size(), 12u);
  EXPECT_TRUE(tail_of("~{7+}\r").found());
  EXPECT_FALSE(tail_of("~{7+}\r").sync());
  for (Bytes line : {"", "{}", "{+}", "{1", "{1}x", "{1}\r\r", "{1++}", "{1-}", "1}", "{a}", "{1+x}"}) {
    EXPECT_FALSE(tail_of(line).found()) << line;
  }
}

TEST(LiteralTail, ChunksDoNotMatter) {
  const std::string line = "* 1 FETCH {3} (BODY[] {{123456789012345678+}\r";
  LiteralTail octets;
  for (char c : line) octets.feed({&c, 1});
  EXPECT_TRUE(octets.found());
  EXPECT_EQ(octets.size(), 123456789012345678u);
  EXPECT_FALSE(octets.overflowed());
  LiteralTail long_line;
  long_line.feed(std::string(100000, '{') + line);
  EXPECT_EQ(long_line.size(), octets.size());
}

TEST(LiteralTail, Overflow) {
  EXPECT_TRUE(tail_of("{1234567890123456789}").overflowed());
  EXPECT_TRUE(tail_of("{0000000000000000000000}").found());
  EXPECT_FALSE(tail_of("{" + std::string(200, '1') + "}").found()) << "nobody's number";
}

}  // namespace
}  // namespace postigo
