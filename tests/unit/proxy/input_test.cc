// Input: what is not consumed is there, in order; it costs what it holds, and what it leaves is wiped.
#include "proxy/session/input.h"

#include <gtest/gtest.h>

namespace postigo {
namespace {

std::string text(size_t size) {
  std::string made(size, 0);
  for (size_t i = 0; i < size; ++i) made[i] = static_cast<char>('a' + i * 7 % 26);
  return made;
}

// A12: once, not twice, whatever the size of the pieces.
TEST(InputTest, A12_ItCostsWhatItHolds) {
  for (size_t piece : {1u, 100u, 1000u, 16u * 1024}) {
    Input input;
    std::string all = text(100'000);
    for (size_t at = 0; at < all.size(); at += piece) {
      input.append(Bytes(all).substr(at, piece));
      ASSERT_LE(input.cost(), input.size() + 4096);
    }
    EXPECT_EQ(input.view(), all);
  }
}

TEST(InputTest, A12_AShortCommandCostsLittle) {
  Input input;
  input.append("a1 LOGIN alice secret\r\n");
  EXPECT_LT(input.cost(), 512u);
}

TEST(InputTest, A12_WhatWasConsumedCostsNothing) {
  Input input;
  std::string all = text(64 * 1024);
  input.append(all);
  input.consume(all.size() - 100);
  EXPECT_LT(input.cost(), 512u);
  EXPECT_EQ(input.view(), Bytes(all).substr(all.size() - 100));
  input.append("more");
  EXPECT_EQ(std::string(input.view()), all.substr(all.size() - 100) + "more");
}

TEST(InputTest, A16_TheTailIsWiped) {
  Input input;
  input.append("a1 LOGIN alice secret\r\na2 NOOP\r\n");
  const char* where = input.view().data();
  size_t size = input.size();
  input.consume(23);
  EXPECT_EQ(input.view(), "a2 NOOP\r\n");
  for (size_t i = input.size(); i < size; ++i) EXPECT_EQ(where[i], 0) << i;
}

}  // namespace
}  // namespace postigo
