// Moments in all the forms in which servers have them.
#include "backends/directory/moment.h"

#include <gtest/gtest.h>

namespace postigo {
namespace {

TEST(Moment, OneAndTheSameInManyForms) {
  for (const char* text :
       {"1785607200", "2026-08-01T18:00:00Z", "2026-08-01 18:00", "2026-08-01 18:00:00", "2026-08-01 20:00:00+02",
        "2026-08-01T13:30:00-04:30", "20260801180000Z", "20260801180000.0Z", "20260801200000+0200",
        "2026-08-01t18:00:00.999z", "2026-08-01 18:00:00 +00:00"}) {
    auto moment = parse_moment(text);
    ASSERT_TRUE(moment) << text;
    EXPECT_EQ(*moment, 1785607200) << text;
  }
  EXPECT_EQ(parse_moment("2026-08-01").value(), 1785542400);
  EXPECT_EQ(parse_moment("20260801").value(), 1785542400);
  EXPECT_EQ(write_moment(1785607200), "2026-08-01T18:00:00Z");
}

TEST(Moment, Never) {
  for (const char* text : {"", "0", "never"}) EXPECT_EQ(parse_moment(text).value(), 0) << text;
  EXPECT_EQ(write_moment(0), "");
}

TEST(Moment, WhatIsNone) {
  for (const char* text :
       {"tomorrow", "2026", "2026-13-01", "2026-02-30", "2026-08-01 25:00", "2026-08-01 18:61", "2026-08-01 18:00 CEST",
        "2026-08-01 18:00+99:00", "2026-08-01x", "-1", "18:00", "99999999999999999999", "2026-08-01 18:00:00Z more"}) {
    auto moment = parse_moment(text);
    EXPECT_TRUE(!moment || std::string(text) == "2026") << text;
  }
}

}  // namespace
}  // namespace postigo
