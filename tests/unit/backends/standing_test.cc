// A36: what is remembered of a name, and how little of its password.
#include "backends/directory/standing.h"

#include <gtest/gtest.h>

#include <string>

#include "backends/client_network.h"

namespace postigo {
namespace {

using Rank = Turn::Rank;

const Secret kRight("right");
constexpr std::string_view kStored = "{PLAIN}right";

TEST(Standing, A36_ANameWithoutAPastIsUsual) {
  Standing standing;
  EXPECT_EQ(standing.rank("joe", kRight, kStored, 0), Rank::usual);
}

TEST(Standing, A36_AFailureMakesANameLastForAMinute) {
  Standing standing;
  standing.failed("joe", 1000);
  EXPECT_EQ(standing.rank("joe", kRight, kStored, 1000), Rank::last);
  EXPECT_EQ(standing.rank("joe", kRight, kStored, 60'999), Rank::last);
  EXPECT_EQ(standing.rank("joe", kRight, kStored, 61'000), Rank::usual);
  EXPECT_EQ(standing.rank("ann", kRight, kStored, 1000), Rank::usual);
}

TEST(Standing, A36_ThePasswordThatWasRightComesFirstWhileOthersGuess) {
  Standing standing;
  standing.succeeded("joe", kRight, kStored);
  standing.failed("joe", 1000);
  EXPECT_EQ(standing.rank("joe", kRight, kStored, 1000), Rank::first);
}

// Eight bits: enough that guesses do not come first, too few to find a password by.
TEST(Standing, A36_GuessesDoNotComeFirst) {
  Standing standing;
  standing.succeeded("joe", kRight, kStored);
  standing.failed("joe", 1000);
  int first = 0;
  for (int i = 0; i < 10'000; ++i) {
    first += standing.rank("joe", Secret("guess" + std::to_string(i)), kStored, 1000) == Rank::first;
  }
  EXPECT_GT(first, 5) << "more than eight bits are kept";
  EXPECT_LT(first, 100) << "39 of 10,000 are expected";
}

TEST(Standing, A36_ANewStoredPasswordForgetsTheOldOne) {
  int first = 0;
  for (int i = 0; i < 50; ++i) {
    Standing standing;
    standing.succeeded("joe", kRight, kStored);
    first += standing.rank("joe", kRight, "{PLAIN}other", 0) == Rank::first;
  }
  EXPECT_LT(first, 5);
}

TEST(Standing, AnyNumberOfNamesTakesTheSameRoom) {
  Standing standing;
  for (int i = 0; i < 200'000; ++i) standing.failed("user" + std::to_string(i), 1000);
  EXPECT_EQ(standing.rank("user199999", kRight, kStored, 1000), Rank::last);
}

TEST(ClientNetwork, A36_OneNetworkIsOneClient) {
  EXPECT_EQ(client_network("192.0.2.1"), client_network("192.0.2.254"));
  EXPECT_NE(client_network("192.0.2.1"), client_network("192.0.3.1"));
  EXPECT_EQ(client_network("::ffff:192.0.2.9"), client_network("192.0.2.1"));
  EXPECT_EQ(client_network("2001:db8:1::1"), client_network("2001:db8:1:ffff::2"));
  EXPECT_NE(client_network("2001:db8:1::1"), client_network("2001:db8:2::1"));
  EXPECT_EQ(client_network("unix"), client_network("unix"));
  EXPECT_NE(client_network(""), client_network("unix"));
}

}  // namespace
}  // namespace postigo
