// Who waits for whom when many want to shake hands.
#include "proxy/net/handshake_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace postigo {
namespace {

using testing::ElementsAre;

struct Tag {};
struct Client : ListNode<Tag> {
  explicit Client(std::string called) : name(std::move(called)) {}
  std::string name;
};
using Line = HandshakeLine<Client, Tag>;

std::vector<std::string> turn(Line& line) {
  std::vector<std::string> served;
  line.begin_turn();
  line.serve([&](Client& client) { served.push_back(client.name); });
  return served;
}

class HandshakeLineTest : public testing::Test {
 protected:
  Client& come(const std::string& name, uint32_t network) {
    clients_.push_back(std::make_unique<Client>(name));
    if (line_.may_go(*clients_.back(), network)) at_once_.push_back(name);
    return *clients_.back();
  }

  Line line_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<std::string> at_once_;
};

TEST_F(HandshakeLineTest, WhereIsRoomNobodyWaits) {
  for (size_t i = 0; i < Line::kPerTurn; ++i) come("a", 1);
  EXPECT_EQ(at_once_.size(), Line::kPerTurn);
  EXPECT_TRUE(line_.empty());
  come("late", 1);
  EXPECT_FALSE(line_.empty());
  EXPECT_THAT(turn(line_), ElementsAre("late"));
  EXPECT_TRUE(line_.empty());
}

// A25: a hundred of one network, then one of another: he is next but one, not the hundredth.
TEST_F(HandshakeLineTest, A25_NetworksTakeTurns) {
  for (int i = 0; i < 100; ++i) come("storm" + std::to_string(i), 1);
  come("good", 2);
  EXPECT_THAT(turn(line_), ElementsAre("storm2", "good"));
  EXPECT_THAT(turn(line_), ElementsAre("storm3", "storm4")) << "each network in order of arrival";
  come("good again", 2);
  EXPECT_THAT(turn(line_), ElementsAre("storm5", "good again"));
}

TEST_F(HandshakeLineTest, WhoComesWhileOthersWaitStandsBehindThem) {
  for (size_t i = 0; i < Line::kPerTurn + 1; ++i) come("a", 1);
  at_once_.clear();
  line_.begin_turn();  // there is room, but somebody waits for it
  come("b", 2);
  EXPECT_TRUE(at_once_.empty());
  EXPECT_THAT(turn(line_), ElementsAre("a", "b"));
}

TEST_F(HandshakeLineTest, WhoGoesLeavesNoGap) {
  for (size_t i = 0; i < Line::kPerTurn; ++i) come("a", 1);
  come("gone", 2);
  come("stays", 3);
  clients_[Line::kPerTurn].reset();
  EXPECT_THAT(turn(line_), ElementsAre("stays"));
  EXPECT_TRUE(line_.empty());
}

TEST_F(HandshakeLineTest, ToldTwiceIsOnePlace) {
  for (size_t i = 0; i < Line::kPerTurn; ++i) come("a", 1);
  Client& twice = come("twice", 2);
  EXPECT_FALSE(line_.may_go(twice, 2));
  EXPECT_THAT(turn(line_), ElementsAre("twice"));
}

}  // namespace
}  // namespace postigo
