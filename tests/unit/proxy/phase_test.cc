// The matrix of legal phases, row by row, and the names that operators read.
#include "proxy/base/phase.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace postigo {
namespace {

// One row per phase: what may follow, in the order of the enum. A change of the matrix is a change of this picture.
//   preamble tls command lookup connect backend_tls backend_login relay closing
constexpr std::string_view kMatrix[kPhases] = {
    ".xx.....x",  // preamble: how each begins, with or without a PROXY header
    "..x.....x",  // tls: then the greeting, or the answer to STARTTLS
    ".x.x....x",  // command: STARTTLS, or a login
    "..x.x...x",  // lookup: refused, or routed
    "..x.xxx.x",  // connect: refused; the next candidate
    "..x.xxx.x",  // backend_tls
    "..x.xxxxx",  // backend_login: the only door to the relay
    "........x",  // relay
    ".........",  // closing
};

TEST(Phase, TheMatrix) {
  for (size_t from = 0; from < kPhases; ++from) {
    for (size_t to = 0; to < kPhases; ++to) {
      EXPECT_EQ(may_follow(static_cast<Phase>(from), static_cast<Phase>(to)), kMatrix[from][to] == 'x')
          << kPhaseNames[from] << " -> " << kPhaseNames[to];
    }
  }
}

TEST(Phase, TheRelayComesOnlyAfterABackendSaidYes) {
  for (size_t from = 0; from < kPhases; ++from) {
    EXPECT_EQ(may_follow(static_cast<Phase>(from), Phase::relay), static_cast<Phase>(from) == Phase::backend_login);
  }
}

TEST(Phase, EveryPhaseButTheLastMayClose) {
  for (size_t from = 0; from + 1 < kPhases; ++from) EXPECT_TRUE(may_follow(static_cast<Phase>(from), Phase::closing));
}

template <typename Names>
void expect_labels(const Names& names) {
  std::set<std::string_view> seen;
  for (std::string_view name : names) {
    EXPECT_FALSE(name.empty());
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string_view::npos) << name;
    EXPECT_TRUE(seen.insert(name).second) << name << " twice";
  }
}

TEST(Phase, NamesAreDistinctLabels) {
  expect_labels(kPhaseNames);
  std::vector<std::string_view> reasons;
  for (const CloseReasonFacts& facts : kCloseReasonFacts) reasons.push_back(facts.name);
  expect_labels(reasons);
  EXPECT_EQ(name_of(Phase::closing), "closing");
  EXPECT_EQ(name_of(CloseReason::internal_error), "internal_error");
  EXPECT_EQ(static_cast<size_t>(CloseReason::internal_error) + 1, kCloseReasons);
}

}  // namespace
}  // namespace postigo
