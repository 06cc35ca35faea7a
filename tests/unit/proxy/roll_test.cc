// Walks over many sessions: what is shown, what comes and goes meanwhile, and that nobody is held up by 100,000.
#include "proxy/session/roll.h"

#include <time.h>

#include <algorithm>
#include <set>

#include "proxy/session/listing.h"
#include "tests/unit/proxy/fake_host.h"

namespace postigo {
namespace {

// A stage of a session that does nothing.
class Resting final : public Stage {
 public:
  explicit Resting(Session& session) : Stage(session) {}
  void received(Bytes) override {}
  void deadline() override {}
};

uint64_t cpu_us() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1000;
}

class RollTest : public HostTest {
 protected:
  RollTest() { open(); }

  Session& add() {
    Session& session = host->make();
    session.enter(Phase::preamble, 3'600'000);
    session.become(std::make_unique<Resting>(session));
    return session;
  }
  void add(int count) {
    for (int i = 0; i < count; ++i) add();
  }
};

TEST_F(RollTest, ShowsAFewPerTurnAndAllInTheEnd) {
  add(1000);
  std::vector<uint64_t> seen;
  bool done = false;
  host->roll().walk(
      [&](Session& session) {
        seen.push_back(session.number());
        return true;
      },
      [&] { done = true; });
  for (size_t before = 0; !done; before = seen.size()) {
    ASSERT_LE(seen.size() - before, Roll::kVisitsPerTurn);
    ASSERT_LE(before, 1000U);
    turn();
  }
  EXPECT_EQ(seen.size(), 1000U);
  EXPECT_EQ(std::set<uint64_t>(seen.begin(), seen.end()).size(), 1000U);
}

TEST_F(RollTest, WhoComesMeanwhileIsNotShownAndWhoGoesIsMissed) {
  add(200);
  std::vector<Session*> all;
  host->roll().each_now([&](Session& session) { all.push_back(&session); });
  size_t seen = 0;
  bool done = false;
  host->roll().walk(
      [&](Session&) {
        ++seen;
        return true;
      },
      [&] { done = true; });
  EXPECT_EQ(seen, Roll::kVisitsPerTurn);
  add(50);
  // The one that is next, the last one, and one that was shown already.
  for (size_t at : {size_t{Roll::kVisitsPerTurn}, size_t{199}, size_t{0}}) all[at]->close(CloseReason::shutting_down);
  while (!done) turn();
  EXPECT_EQ(seen, 198U);
}

TEST_F(RollTest, AWalkMayEndEachThatItIsShownAndStopsWhenItIsTold) {
  add(300);
  bool done = false;
  int left = 100;
  host->roll().walk(
      [&](Session& session) {
        session.close(CloseReason::kicked);
        return --left > 0;
      },
      [&] { done = true; });
  while (!done) turn();
  EXPECT_EQ(host->roll().size(), 200U);
  EXPECT_EQ(host->ended, std::vector<CloseReason>(100, CloseReason::kicked));
}

TEST_F(RollTest, TwoWalksAtOnce) {
  add(500);
  size_t seen = 0;
  int done = 0;
  for (int i = 0; i < 2; ++i) {
    host->roll().walk(
        [&, i](Session& session) {
          ++seen;
          if (i == 0 && session.number() % 2 == 0) session.close(CloseReason::kicked);
          return true;
        },
        [&] { ++done; });
  }
  while (done < 2) turn();
  EXPECT_EQ(host->roll().size(), 250U);
  EXPECT_GE(seen, 750U);
}

// `ctl who --user` and `ctl kick --user` at a worker with 100,000 sessions: no turn takes a millisecond. The median,
// because the machine may take the processor away.
TEST_F(RollTest, AHundredThousandSessionsHoldNobodyUp) {
  constexpr int kMany = 100'000;
  for (int i = 0; i < kMany; ++i) {
    Session& session = add();
    session.summary().user = "user" + std::to_string(i % 1000);
    session.summary().client = *Address::parse("192.0.2.7", 4711);
  }
  SessionFilter filter;
  filter.user = "user7";
  for (bool kicks : {false, true}) {
    std::vector<SessionRow> rows;
    std::vector<uint64_t> took_us;
    bool done = false;
    host->roll().walk(
        [&](Session& session) {
          if (!filter.fits(session)) return true;
          rows.push_back(row_of(session));
          if (kicks) session.shut_down(CloseReason::kicked);
          return true;
        },
        [&] { done = true; });
    while (!done) {
      uint64_t before_us = cpu_us();
      turn();
      took_us.push_back(cpu_us() - before_us);
    }
    std::nth_element(took_us.begin(), took_us.begin() + ssize(took_us) / 2, took_us.end());
    EXPECT_LT(took_us[took_us.size() / 2], 1000U);
    EXPECT_EQ(took_us.size(), kMany / Roll::kVisitsPerTurn);
    EXPECT_EQ(rows.size(), 100U);
  }
  EXPECT_EQ(host->roll().size(), kMany - 100U);
}

}  // namespace
}  // namespace postigo
