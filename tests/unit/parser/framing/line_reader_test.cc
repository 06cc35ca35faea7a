// LineReader: where lines end, what is too long, and that cutting the input changes nothing.
#include "parser/framing/line_reader.h"

#include <gtest/gtest.h>

namespace postigo {
namespace {

using Status = LineReader::Status;

TEST(LineReader, CrLfAndBareLf) {
  LineReader reader(100);
  LineReader::Line line = reader.next("one\r\ntwo\n");
  EXPECT_EQ(line.status, Status::line);
  EXPECT_EQ(line.text, "one");
  EXPECT_EQ(line.consumed, 5u);
  line = reader.next("two\n");
  EXPECT_EQ(line.text, "two");
  EXPECT_EQ(reader.next("").status, Status::incomplete);
  EXPECT_EQ(reader.next("\r\n").text, "");
  EXPECT_EQ(reader.next("a\r\r\n").text, "a\r") << "one CR belongs to the line end";
  EXPECT_EQ(reader.next("a\rb\n").text, "a\rb");
}

TEST(LineReader, LimitsCountTheLineEnd) {
  LineReader reader(6);
  EXPECT_EQ(reader.next("1234\r\n").status, Status::line);
  EXPECT_EQ(reader.next("12345\r\n").status, Status::too_long);
  EXPECT_EQ(reader.next("12345").status, Status::incomplete);
  EXPECT_EQ(reader.next("123456").status, Status::too_long);
}

TEST(LineReader, OctetByOctetLooksAtEachOctetOnce) {
  // 4 MB octet by octet: quadratic scanning would take hours.
  std::string text(4 << 20, 'x');
  LineReader reader(text.size() + 2);
  for (size_t size = 1; size <= text.size(); ++size) {
    ASSERT_EQ(reader.next(Bytes(text).substr(0, size)).status, Status::incomplete);
  }
  text += '\n';
  EXPECT_EQ(reader.next(text).consumed, text.size());
}

}  // namespace
}  // namespace postigo
