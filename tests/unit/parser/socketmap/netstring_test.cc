// Netstrings, whole and in parts, right and wrong.
#include "parser/socketmap/netstring.h"

#include <gtest/gtest.h>

#include <string>

namespace postigo::netstring {
namespace {

using State = Parsed::State;

TEST(Netstring, IsTakenWhole) {
  for (std::string text : {"0:,", "5:hello,", "12:users a@b.cc,", "3:,:,,"}) {
    for (size_t cut = 0; cut < text.size(); ++cut) {
      EXPECT_EQ(parse(Bytes(text).substr(0, cut), 100).state, State::more) << text.substr(0, cut);
    }
    std::string both = text + "7:";
    Parsed parsed = parse(both, 100);
    ASSERT_EQ(parsed.state, State::done) << text;
    EXPECT_EQ(parsed.consumed, text.size());
    std::string again;
    append(again, parsed.text);
    EXPECT_EQ(again, text);
  }
}

TEST(Netstring, WhatNeverWillBeOneIsToldAtOnce) {
  for (std::string text : {":", "x", " 5:hello,", "05:hello,", "00:,", "5hello,", "5:hello;",
                           "101:", "9999999999999999999999:", "-1:,", "+5:hello,"}) {
    EXPECT_EQ(parse(text, 100).state, State::broken) << text;
  }
  EXPECT_EQ(parse("101", 100).state, State::broken) << "longer than it may be";
  EXPECT_EQ(parse("100:", 100).state, State::more);
}

}  // namespace
}  // namespace postigo::netstring
