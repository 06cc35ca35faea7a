// Who is tried first, and who waits for a server that is away.
#include "backends/directory/drivers/server_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postigo {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr uint64_t kRest = ServerOrder::kRest_ms;

class Order : public testing::Test {
 protected:
  std::vector<size_t> once(uint64_t now) {
    auto turn = order_.begin(now);
    order_.end(turn);
    return turn.order;
  }
  ServerOrder order_{3};
};

TEST_F(Order, AsConfigured) { EXPECT_THAT(once(0), ElementsAre(0, 1, 2)); }

TEST_F(Order, WhoFailedIsLastForSomeSeconds) {
  order_.failed(0, 100);
  EXPECT_THAT(once(100), ElementsAre(1, 2, 0));
  EXPECT_THAT(once(100 + kRest - 1), ElementsAre(1, 2, 0));
  EXPECT_THAT(once(100 + kRest), ElementsAre(0, 1, 2)) << "and has its place again";
}

TEST_F(Order, WhoServesAgainHasItsPlace) {
  order_.failed(0, 100);
  order_.served(0);
  EXPECT_THAT(once(101), ElementsAre(0, 1, 2));
}

TEST_F(Order, OneTriesWhileAllAreAway) {
  for (size_t server : {0u, 1u, 2u}) order_.failed(server, 100);
  auto trial = order_.begin(200);
  EXPECT_THAT(trial.order, ElementsAre(0, 1, 2));
  EXPECT_THAT(order_.begin(200).order, IsEmpty()) << "who waits would wait for nothing";
  EXPECT_THAT(order_.begin(200 + 10 * kRest).order, IsEmpty());
  order_.failed(0, 300);
  order_.end(trial);
  EXPECT_THAT(order_.begin(300).order, testing::SizeIs(3)) << "the next one tries at once";
}

TEST_F(Order, TheFirstThatServesEndsTheTrial) {
  for (size_t server : {0u, 1u, 2u}) order_.failed(server, 100);
  auto trial = order_.begin(200);
  order_.served(1);
  EXPECT_THAT(once(200), ElementsAre(1, 0, 2)) << "nobody waits for the end of it";
  order_.end(trial);
  EXPECT_THAT(once(200), ElementsAre(1, 0, 2));
}

// Who began before all were away ends no trial of another.
TEST_F(Order, OnlyTheTrialEndsItself) {
  auto early = order_.begin(0);
  for (size_t server : {0u, 1u, 2u}) order_.failed(server, 100);
  auto trial = order_.begin(200);
  order_.end(early);
  EXPECT_THAT(order_.begin(200).order, IsEmpty());
  order_.end(trial);
}

}  // namespace
}  // namespace postigo
