// What stands outside of quotes and comments in one line of TOML.
#include "config/line.h"

#include <gtest/gtest.h>

namespace postigo::config {
namespace {

TEST(Line, DotsInStringsAndCommentsAreNone) {
  EXPECT_EQ(outside_strings("a.b.c = 1.5").dots, 3u);
  EXPECT_EQ(outside_strings(R"("a.b".'c.d' = "\".." # ...)").dots, 1u);
  EXPECT_EQ(outside_strings(R"('a\'.b)").dots, 1u) << "no escape between single quotes";
  EXPECT_EQ(outside_strings("").dots, 0u);
}

TEST(Line, AQuoteThatIsOpen) {
  for (const char* line : {"a = \"b", "a = 'b\"", "a = \"b\\\"", "a = \"b\\", "'"}) {
    EXPECT_TRUE(outside_strings(line).open_quote) << line;
  }
  for (const char* line : {"", "a = \"b\"", "a = 'b'", "a = 1 # \"", "a = \"\"\"b", "a = '''", "a = \"it's\""}) {
    EXPECT_FALSE(outside_strings(line).open_quote) << line;
  }
}

}  // namespace
}  // namespace postigo::config
