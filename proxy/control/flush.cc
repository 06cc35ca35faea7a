// Who is there: those with a session, and those whom affinity would send there. Not here: how one is moved (mover.cc),
// what an operator may ask for (verbs_users.cc).
#include "proxy/control/flush.h"

#include <algorithm>

#include "proxy/base/events.h"
#include "proxy/control/control_thread.h"

namespace postigo {
namespace {

constexpr uint64_t kFlushTickMs = 100;
constexpr size_t kFailuresShown = 20;

}  // namespace

Flush::Flush(ControlThread& control)
    : control_(control), timer_([](void* self) { static_cast<Flush*>(self)->tick(); }, this) {}

void Flush::start(Order order, std::function<void()> begun) {
  order_ = std::move(order);
  progress_ = Progress();
  progress_.backend = order_.backend;
  progress_.to = order_.target.backend;
  progress_.running = true;
  users_.clear();
  started_ = kept_ = 0;
  stopped_ = false;
  std::set<std::string> bound;
  Affinity& affinity = control_.ledger().affinity;
  auto state = control_.fleet().backend(order_.backend);
  for (size_t stripe = 0; state && stripe < affinity.stripes(); ++stripe) {
    affinity.visit(stripe, [&](Bytes user, const Affinity::Known& known) {
      if (known.backend == (*state)->slot) bound.emplace(user);
    });
  }
  find_occupants(control_, order_.backend,
                 [this, bound = std::move(bound), begun = std::move(begun),
                  alive = std::weak_ptr(alive_)](Occupants found) mutable {
                   if (!alive.expired()) begin(std::move(bound), std::move(found), begun);
                 });
}

void Flush::begin(std::set<std::string> bound, Occupants found, const std::function<void()>& begun) {
  found.users.merge(bound);
  if (!stopped_) users_.assign(found.users.begin(), found.users.end());
  progress_.users = users_.size();
  progress_.failures = std::move(found.missing);
  begun_ms_ = control_.loop().now_ms();
  begun();
  tick();
}

void Flush::stop() {
  stopped_ = true;  // it may still be looking for them
  users_.clear();
}

void Flush::close() {
  alive_.reset();
  timer_.cancel();
}

void Flush::tick() {
  if (!users_.empty() && !target_is_there()) give_up("has no backend any more that takes them");
  const uint64_t passed_ms = control_.loop().now_ms() - begun_ms_;
  while (!users_.empty() && progress_.under_way < order_.parallel && started_ * 1000 <= passed_ms * order_.per_s)
    next();
  keep();
  if (!users_.empty() || progress_.under_way > 0) return control_.loop().timers().arm(timer_, kFlushTickMs);
  progress_.running = false;
  log::write(events::flushed, {{"backend", order_.backend}, {"moved", progress_.moved}, {"failed", progress_.failed}});
}

// A reload may have taken it away, and so may operators.
bool Flush::target_is_there() const {
  const Snapshot& snapshot = *control_.running().snapshot;
  for (const config::Pool& pool : snapshot.live.pools) {
    for (const config::Shard& shard : pool.shards) {
      if (pool.name != order_.target.pool || shard.name != order_.target.shard) continue;
      return std::any_of(shard.backends.begin(), shard.backends.end(), [&](const std::string& name) {
        bool meant = order_.target.backend.empty() || order_.target.backend == name;
        return meant && takes_logins(snapshot.backend(name).state->wanted);
      });
    }
  }
  return false;
}

// Whoever was not begun with stays where he is.
void Flush::give_up(const std::string& why) {
  progress_.failed += users_.size();
  users_.clear();
  progress_.failures.push_back(order_.target.pool + "/" + order_.target.shard + ": " + why);
  log::write(events::move_failed, {{"backend", order_.backend}, {"detail", progress_.failures.back()}});
}

// Who was moved for good is not to come back after a restart: all of them are written down at the end, and most of them
// before.
void Flush::keep() {
  constexpr uint64_t kKeepMs = 2'000;
  const uint64_t now_ms = control_.loop().now_ms();
  bool over = users_.empty() && progress_.under_way == 0;
  if (!order_.moves || progress_.moved == kept_ || (!over && now_ms < kept_ms_ + kKeepMs)) return;
  kept_ = progress_.moved;
  kept_ms_ = now_ms;
  control_.keep_state();
}

void Flush::next() {
  std::string user = std::move(users_.front());
  users_.pop_front();
  ++started_;
  Mover::Job job;
  job.user = user;
  job.max_ms = order_.max_ms;
  if (!order_.hook.empty()) job.hook = {order_.hook, user, order_.backend, order_.target.backend};
  job.move = [this, user] {
    control_.ledger().affinity.forget(user);
    return !order_.moves || control_.ledger().moves.set(user, order_.target);
  };
  job.done = [this, user](const std::string& failure, uint64_t ended) { moved(user, failure, ended); };
  ++progress_.under_way;
  if (!control_.mover().start(std::move(job))) moved(user, "he is being moved already", 0);
}

void Flush::moved(const std::string& user, const std::string& failure, uint64_t ended) {
  --progress_.under_way;
  progress_.ended += ended;
  ++(failure.empty() ? progress_.moved : progress_.failed);
  if (failure.empty()) return;
  log::write(events::move_failed, {{"user", user}, {"backend", order_.backend}, {"detail", failure}});
  progress_.failures.push_back(user + ": " + failure);
  if (progress_.failures.size() > kFailuresShown) progress_.failures.erase(progress_.failures.begin());
}

}  // namespace postigo
