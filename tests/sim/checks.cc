// What must never be.
#include <algorithm>
#include <cmath>

#include "tests/sim/session.h"

namespace postigo::sim {
namespace {

// After so long a backend that is well again has been found: the longest time between trials, with its jitter, as
// often as it must succeed, and its slow start.
constexpr uint64_t kFoundAgainMs = 120'000;

}  // namespace

void Platform::wrong(const std::string& what) {
  wrong_.push_back("at " + std::to_string(time_.now_ms()) + " ms: " + what);
}

// Nobody is sent to one that is down, or that operators have taken out, while another may serve; unless his sessions
// are there, or his login is the trial.
void Platform::check_choice(const Login& login, const Server& to) {
  if (login.way->is_held()) return;
  bool out = !takes_logins(to.wanted);
  bool down = to.wanted == Wanted::automatic && !to.health.calm() &&
              to.health.view(time_.now_ms()).state == HealthState::down && to.tries_while_down > 0;
  if (!out && !down) return;
  for (const config::Backend* other : login.way->others()) {
    if (claim(server(*other)).serves) wrong(login.name + " was sent to " + to.name + ", which is down or taken out");
  }
}

// Nobody is refused while a backend of his has been well for long.
void Platform::check_refusal(const Login& login) {
  if (login.way->is_held()) {
    ++numbers_.held;
    return;
  }
  for (const config::Backend* each : login.way->route().candidates) {
    const Server& one = server(*each);
    bool well = one.truth == Truth::well && one.well_since_ms + kFoundAgainMs < login.began_ms;
    bool tried = std::find(login.asked.begin(), login.asked.end(), each) != login.asked.end();
    if (well && takes_logins(one.wanted) && !tried) wrong(login.name + " was refused, and " + one.name + " is well");
  }
}

void Platform::check_moved(const Router& before, double ideal) {
  constexpr size_t kSample = 20'000;
  size_t moved = 0;
  for (size_t i = 0; i < kSample; ++i) {
    Identity who{"m" + std::to_string(i), "main", {}, {}, true};
    if (before.route(who, "imap", 0)->shard != router_->route(who, "imap", 0)->shard) ++moved;
  }
  double share = static_cast<double>(moved) / kSample, noise = 4 * std::sqrt(ideal * (1 - ideal) / kSample);
  if (std::abs(share - ideal) > 0.1 * ideal + noise) {
    wrong("moved " + std::to_string(share) + " of the users, not " + std::to_string(ideal));
  }
}

// Each session counts once, and tables hold no more than there is.
void Platform::check_bounds() {
  size_t there = 0, seats = 0, bound = 0;
  for (const auto& [name, one] : servers_) there += one->sessions.size();
  for (const auto& [user, count] : of_user_) seats += count > 0 ? 1 : 0;
  for (const auto& [number, session] : sessions_) bound += session->bond != nullptr ? 1 : 0;
  if (there != sessions_.size()) wrong("sessions that no backend has, or two");
  if (seats != seats_.size()) wrong("seats of nobody, or users without");
  size_t pinned = 0, logins = 0, sessions = 0;
  for (size_t i = 0; i < affinity_.stripes(); ++i) {
    affinity_.visit(i, [&](Bytes, const Affinity::Known& known) {
      ++pinned;
      logins += known.logins;
      sessions += known.sessions;
    });
  }
  if (sessions != bound || logins > under_way_) wrong("bonds of nobody, or sessions without");
  if (pinned > affinity_.users_max()) wrong("more bonds than there may be");
  numbers_.most_sessions = std::max<uint64_t>(numbers_.most_sessions, sessions_.size());
  numbers_.most_bonds = std::max<uint64_t>(numbers_.most_bonds, pinned);
}

// All have gone, and a quarter of an hour later nothing is left of them.
void Platform::check_end() {
  check_bounds();
  if (!sessions_.empty() || under_way_ != 0) wrong("sessions without an end");
  if (seats_.size() != 0) wrong("seats of nobody at the end");
  if (numbers_.served + numbers_.refused + numbers_.full != numbers_.logins) wrong("logins without an end");
  time_.in(16 * 60'000, [] {});
  while (time_.step()) {
  }
  size_t left = 0;
  for (size_t i = 0; i < affinity_.stripes(); ++i) affinity_.visit(i, [&](Bytes, const Affinity::Known&) { ++left; });
  if (left != 0 || affinity_.users() != 0) wrong("bonds that do not lapse");
}

}  // namespace postigo::sim
