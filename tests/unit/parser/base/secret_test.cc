// Secret: comparing, copying, moving, wiping.
#include "parser/base/secret.h"

#include <gtest/gtest.h>

#include <sstream>
#include <type_traits>

#include "parser/base/out.h"

namespace postigo {
namespace {

template <typename T>
concept Streamable = requires(std::ostream& out, const T& value) {
  out << value;
};

TEST(Secret, A33_CannotReachALogByAccident) {
  static_assert(!Streamable<Secret>);
  static_assert(!std::is_convertible_v<Secret, Bytes>);
  static_assert(!std::is_convertible_v<Secret, std::string>);
  static_assert(!std::is_convertible_v<Bytes, Secret>);
}

TEST(Secret, CopiesAndMoves) {
  Secret a("hunter2");
  Secret b = a;
  Secret c = std::move(a);
  EXPECT_TRUE(a.empty());
  EXPECT_EQ(b.reveal(), "hunter2");
  EXPECT_EQ(c.reveal(), "hunter2");
  b = c;
  b = *&b;
  EXPECT_EQ(b.reveal(), "hunter2");
  c = Secret("x");
  EXPECT_EQ(c.reveal(), "x");
  c.clear();
  EXPECT_TRUE(c.empty());
  EXPECT_EQ(c.reveal(), "");
}

TEST(Secret, GrowsOctetByOctet) {
  Secret secret;
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    char c = static_cast<char>(i);
    secret.append({&c, 1});
    expected += c;
  }
  EXPECT_EQ(secret.reveal(), expected);
}

TEST(Secret, Equals) {
  Secret secret("abc");
  EXPECT_TRUE(secret.equals("abc"));
  EXPECT_FALSE(secret.equals("abd"));
  EXPECT_FALSE(secret.equals("ab"));
  EXPECT_FALSE(secret.equals(""));
  EXPECT_TRUE(Secret().equals(""));
}

TEST(Secret, WipeOverwrites) {
  char memory[] = "canary";
  wipe(memory, sizeof memory);
  for (char c : memory) EXPECT_EQ(c, 0);
  wipe(nullptr, 0);
}

TEST(Out, AllPartsOrNone) {
  Out out(10);
  out.put({"12345", "678"});
  EXPECT_FALSE(out.overflowed());
  out.put({"9", "ab"});
  EXPECT_TRUE(out.overflowed());
  EXPECT_EQ(out.view(), "12345678");
  out.clear();
  out.put("1234567890");
  EXPECT_EQ(out.size(), 10u);
}

// What is cleared stays allocated: an old view looks at what a reader of the heap would see.
TEST(OutTest, A33_WhatItHeldIsWiped) {
  Out out;
  out.put({"P4 LOGIN ann ", std::string(1000, 'k')});
  Bytes before = out.view();
  out.clear();
  EXPECT_EQ(before.find_first_not_of('\0'), Bytes::npos);
}

TEST(ReserveWiping, MovesTheTextAndKeepsIt) {
  std::string text = "canary-canary-canary-canary";
  reserve_wiping(text, 5000);
  EXPECT_EQ(text, "canary-canary-canary-canary");
  const char* place = text.data();
  text.append(5000, 'x');
  EXPECT_EQ(text.data(), place) << "there was room";
  std::string small = "canary";
  reserve_wiping(small, 100);
  EXPECT_EQ(small, "canary");
}

}  // namespace
}  // namespace postigo
