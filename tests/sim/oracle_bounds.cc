// What is looked at from time to time, and at the end. Not here: single logins (oracle.cc).
#include <algorithm>

#include "tests/sim/oracle.h"

namespace postigo::sim {
namespace {

constexpr uint64_t kWellAgainMs = 120'000;

}  // namespace

// Each session counts once, and tables hold no more than there is.
void Oracle::check_bounds() {
  size_t there = 0;
  for (const auto& server : world_.servers()) there += server->sessions.size();
  if (there != sessions_) story_.wrong("sessions that no backend has, or two");
  limits.check(door_.seats);
  check_affinity();
  check_orders();
  check_holds();
  check_beliefs();
  story_.numbers.most_sessions = std::max<uint64_t>(story_.numbers.most_sessions, sessions_);
}

void Oracle::check_affinity() {
  Affinity& affinity = door_.ledger.affinity;
  size_t pinned = 0, logins = 0, sessions = 0;
  for (size_t i = 0; i < affinity.stripes(); ++i) {
    affinity.visit(i, [&](Bytes user, const Affinity::Known& known) {
      ++pinned;
      logins += known.logins;
      sessions += known.sessions;
      auto pin = pins_.find(std::string(user));
      unsigned count = pin == pins_.end() ? 0 : pin->second.count;
      if (count != known.sessions) story_.wrong(std::string(user) + " is bound by sessions that he has not");
      if (count > 0 && pin->second.slot != known.backend) story_.wrong(std::string(user) + " is bound elsewhere");
      if (known.lapses_in_ms > config::Pool().affinity_time_ms) story_.wrong("a bond lasts too long");
      if (known.sessions + known.logins == 0 && known.lapses_in_ms == 0) story_.wrong("a bond that has lapsed");
    });
  }
  if (sessions != bound_ || logins > under_way_) story_.wrong("bonds of nobody, or sessions without");
  if (pinned != affinity.users() || pinned > affinity.users_max()) story_.wrong("more bonds than there may be");
  story_.numbers.most_bonds = std::max<uint64_t>(story_.numbers.most_bonds, pinned);
}

void Oracle::check_orders() {
  std::erase_if(orders_, [&](const auto& each) { return !order_of(each.first); });
  size_t known = 0;
  door_.ledger.moves.visit(static_cast<uint64_t>(story_.now_s()), [&](Bytes user, const Moves::Order& order) {
    ++known;
    if (order_of(std::string(user)) != order) story_.wrong(std::string(user) + " has an order that nobody gave");
  });
  if (known != orders_.size() || door_.ledger.moves.size() != known) story_.wrong("orders that are lost, or of nobody");
}

void Oracle::check_holds() {
  const uint64_t now_ms = story_.now_ms();
  std::erase_if(holds_,
                [&](const auto& each) { return *std::max_element(each.second.begin(), each.second.end()) <= now_ms; });
  size_t known = 0;
  door_.ledger.holds.visit(now_ms, [&](Bytes user, const Holds::Until& until_ms) {
    ++known;
    auto found = holds_.find(std::string(user));
    for (size_t by = 0; by < until_ms.size(); ++by) {
      const uint64_t should = found == holds_.end() ? 0 : found->second[by], is = until_ms[by];
      if ((should > now_ms || is > now_ms) && should != is) story_.wrong(std::string(user) + " is held by another one");
    }
  });
  if (known != holds_.size() || door_.ledger.holds.size() != known) story_.wrong("holds that are lost, or of nobody");
  const int64_t waiting = door_.ledger.holds.waiting();
  if (waiting < 0 || static_cast<size_t>(waiting) > under_way_) story_.wrong("logins wait that are not under way");
  story_.numbers.most_waiting = std::max(story_.numbers.most_waiting, static_cast<uint64_t>(waiting));
}

// What has been well for long is believed to be.
void Oracle::check_beliefs() {
  const uint64_t now_ms = story_.now_ms();
  for (const auto& server : world_.servers()) {
    if (!server->is_well_since(now_ms - std::min(now_ms, kWellAgainMs))) continue;
    if (server->wanted != Wanted::automatic || server->wanted_since_ms + kWellAgainMs > now_ms) continue;
    if (server->belief->health.view(now_ms).state == HealthState::down) story_.wrong(server->name + " is not found");
  }
}

// All have gone, and nothing is left of them.
void Oracle::check_end() {
  check_bounds();
  if (sessions_ != 0 || under_way_ != 0) story_.wrong("sessions or logins without an end");
  if (door_.seats.size() != 0) story_.wrong("seats of nobody at the end");
  if (door_.ledger.holds.waiting() != 0 || door_.ledger.holds.size() != 0) story_.wrong("holds without an end");
  if (door_.ledger.affinity.users() != 0) story_.wrong("bonds that do not lapse");
  if (!closed_.empty()) story_.wrong("users who are never let in again");
  Numbers& n = story_.numbers;
  uint64_t ended = n[Count::served] + n[Count::refused] + n[Count::held] + n[Count::limited] + n[Count::undecided];
  if (ended != n[Count::logins]) story_.wrong("logins without an end");
}

}  // namespace postigo::sim
