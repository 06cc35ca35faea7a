// Not here: who is to go where (operators.cc).
#include "tests/sim/mover.h"

#include <utility>
#include <vector>

namespace postigo::sim {
namespace {

constexpr uint64_t kMoverTickMs = 100;
constexpr uint64_t kMoveDelayMs = 2'000;
constexpr uint64_t kEvictMs = 10'000;

}  // namespace

Mover::Mover(Story& story, World& world, Door& door, Logins& logins, Oracle& oracle)
    : story_(story), world_(world), door_(door), logins_(logins), oracle_(oracle) {}

bool Mover::start(Job job) {
  const std::string user = job.user;
  if (tasks_.contains(user)) return false;
  Task& task = tasks_[user];
  task.deadline_ms = story_.now_ms() + job.max_ms;
  task.job = std::move(job);
  const uint64_t until_ms = task.deadline_ms + 10 * kMoverTickMs;
  if (!door_.ledger.holds.hold(user, Holds::By::mover, until_ms)) story_.wrong("too many users are on hold");
  oracle_.holds(user, Holds::By::mover, until_ms);
  tick(user);
  return true;
}

void Mover::tick(const std::string& user) {
  Task& task = tasks_.at(user);
  const uint64_t now_ms = story_.now_ms();
  if (task.stage == Stage::hook && now_ms >= task.ready_ms) return finish(user, !story_.one_in(5));
  if (now_ms >= task.deadline_ms) return finish(user, false);
  if (task.stage == Stage::emptying) {
    if (size_t left = logins_.let_go(user); left > 0) {
      task.ended = true;
    } else {
      task.stage = Stage::settling;
      task.ready_ms = now_ms + (task.ended ? kMoveDelayMs : 0);
      oracle_.closed(user, left);
    }
  }
  if (task.stage == Stage::settling && now_ms >= task.ready_ms) {
    if (!task.job.hook) return finish(user, true);
    task.stage = Stage::hook;
    task.ready_ms = now_ms + story_.roll(10'000);
  }
  story_.time.in(kMoverTickMs, [this, user] { tick(user); });
}

void Mover::finish(const std::string& user, bool good) {
  Task task = std::move(tasks_.at(user));
  tasks_.erase(user);
  if (oracle_.is_closed(user)) oracle_.closed(user, logins_.let_go(user));
  bool moved = good && task.job.move();
  oracle_.opened(user);
  oracle_.released(user, Holds::By::mover, door_.ledger.holds.release(user, Holds::By::mover));
  ++story_.count(moved ? Count::moves : Count::moves_failed);
  task.job.done(moved);
}

bool Mover::apply(const std::string& user, const std::optional<Moves::Order>& order) {
  oracle_.unbound(user);
  door_.ledger.affinity.forget(user);
  if (order) {
    if (!door_.ledger.moves.set(user, *order)) story_.wrong("too many users have an order");
  } else {
    door_.ledger.moves.forget(user);
  }
  oracle_.ordered(user, order);
  return true;
}

void Mover::keep() {
  Ledger& ledger = door_.ledger;
  ledger.affinity.visit(stripe_, [](Bytes, const Affinity::Known&) {});
  stripe_ = (stripe_ + 1) % ledger.affinity.stripes();
  help_stranded();
  if (stripe_ == 0) ledger.moves.visit(static_cast<uint64_t>(story_.now_s()), [](Bytes, const Moves::Order&) {});
}

void Mover::help_stranded() {
  const uint64_t now_ms = story_.now_ms();
  std::vector<std::pair<std::string, bool>> users;  // and whether nobody else holds them
  door_.ledger.holds.visit(now_ms, [&](Bytes user, const Holds::Until& until_ms) {
    auto [operators, mover, login] = until_ms;
    if (login > now_ms) users.emplace_back(user, operators <= now_ms && mover <= now_ms);
  });
  for (const auto& [user, ours] : users) {
    auto known = door_.ledger.affinity.look(user);
    const Server* where = known ? world_.servers()[known->backend].get() : nullptr;
    bool gone = where != nullptr && (where->failing || where->wanted == Wanted::down);
    if (gone && ours) start({user, [] { return true; }, kEvictMs});
    oracle_.released(user, Holds::By::login, door_.ledger.holds.release(user, Holds::By::login));
  }
}

}  // namespace postigo::sim
