// ASCII and UTF-8 helpers: what a log may print, what is well-formed.
#include "parser/base/ascii.h"

#include <gtest/gtest.h>

namespace postigo {
namespace {

TEST(Ascii, CaseIsAsciiOnly) {
  EXPECT_EQ(lower("AZaz09[`{\xc3\x84"), "azaz09[`{\xc3\x84");
  EXPECT_EQ(upper("AZaz09[`{\xc3\xa4"), "AZAZ09[`{\xc3\xa4");
  EXPECT_TRUE(equal_ignoring_case("StartTLS", "STARTTLS"));
  EXPECT_FALSE(equal_ignoring_case("STARTTLS", "STARTTL"));
  EXPECT_FALSE(equal_ignoring_case("@", "`")) << "differ by 0x20, are no letters";
  EXPECT_TRUE(starts_with_ignoring_case("AUTH=plain", "auth="));
  EXPECT_FALSE(starts_with_ignoring_case("AUT", "auth="));
}

TEST(Ascii, CaseOfEveryOctetWhereverItStands) {
  for (int c = 0; c < 256; ++c) {
    for (size_t before = 0; before < 9; ++before) {
      std::string text = std::string(before, 'x') + static_cast<char>(c) + "yz";
      std::string wanted = std::string(before, 'X') + to_upper(static_cast<char>(c)) + "YZ";
      EXPECT_EQ(upper(text), wanted) << c << " behind " << before;
    }
  }
}

TEST(Ascii, WhatFitsInALine) {
  EXPECT_TRUE(fits_in_line(""));
  EXPECT_TRUE(fits_in_line("\t\x01 a\x7f\xff"));
  for (Bytes text : {Bytes("a\0", 2), Bytes("\rb"), Bytes("a\nb")}) EXPECT_FALSE(fits_in_line(text));
}

TEST(Ascii, Hex) {
  EXPECT_EQ(hex(0, 4), "0000");
  EXPECT_EQ(hex(0xfedcba9876543210, 16), "fedcba9876543210");
  EXPECT_EQ(hex(0xfedcba9876543210, 8), "76543210");
}

TEST(Ascii, T8_EveryControlCharacterIsFound) {
  for (int c = 0; c < 256; ++c) {
    bool ctl = c < 0x20 || c == 0x7f;
    EXPECT_EQ(has_ctl(std::string("ab") + static_cast<char>(c) + "c"), ctl) << c;
  }
}

TEST(Ascii, A15_Utf8ByTheBook) {
  for (Bytes good :
       {Bytes(""), Bytes("plain"), Bytes("\xc2\x80"), Bytes("\xdf\xbf"), Bytes("\xe0\xa0\x80"), Bytes("\xed\x9f\xbf"),
        Bytes("\xee\x80\x80"), Bytes("\xf0\x90\x80\x80"), Bytes("\xf4\x8f\xbf\xbf")}) {
    EXPECT_TRUE(is_utf8(good)) << printable(good);
  }
  for (Bytes bad :
       {Bytes("\x80"), Bytes("\xc0\xaf"), Bytes("\xc1\xbf"), Bytes("\xc2"), Bytes("\xc2\x41"), Bytes("\xe0\x9f\xbf"),
        Bytes("\xed\xa0\x80"), Bytes("\xe1\x80"), Bytes("\xf0\x8f\xbf\xbf"), Bytes("\xf4\x90\x80\x80"),
        Bytes("\xf5\x80\x80\x80"), Bytes("\xf1\x80\x80"), Bytes("\xff"), Bytes("ok\xfe")}) {
    EXPECT_FALSE(is_utf8(bad)) << printable(bad);
  }
}

TEST(Ascii, T62_PrintableShowsWhatItIsAndEnds) {
  EXPECT_EQ(printable("plain \xc3\xa4"), "plain \xc3\xa4");
  EXPECT_EQ(printable(Bytes("a\r\n\0\x7f\\b", 7)), "a\\x0d\\x0a\\x00\\x7f\\x5cb");
  EXPECT_EQ(printable("\xc3\x28"), "\\xc3(");
  std::string long_text = printable(std::string(1000, 'x'), 20);
  EXPECT_LE(long_text.size(), 23u);
  EXPECT_TRUE(long_text.ends_with("..."));
}

}  // namespace
}  // namespace postigo
