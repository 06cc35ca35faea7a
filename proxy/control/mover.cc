// One walk over all sessions at a time, whoever is being moved: it counts those that are left and tells them to go. Not
// here: who goes where (verbs_users.cc, flush.cc), how a login waits (session/login.cc).
#include "proxy/control/mover.h"

#include <algorithm>

#include "proxy/control/control_thread.h"

namespace postigo {
namespace {

constexpr uint64_t kMoverTickMs = 100;

}  // namespace

Mover::Mover(ControlThread& control)
    : control_(control), timer_([](void* self) { static_cast<Mover*>(self)->tick(); }, this) {}

Mover::~Mover() = default;

bool Mover::start(Job job) {
  if (by_user_.contains(job.user)) return false;
  auto task = std::make_unique<Task>();
  task->deadline_ms = control_.loop().now_ms() + job.max_ms;
  // A little longer than the job: whoever waits is served where he is to go, if at all.
  if (!control_.ledger().holds.hold(job.user, Holds::By::mover, task->deadline_ms + 10 * kMoverTickMs)) return false;
  task->job = std::move(job);
  task->number = ++numbers_;
  by_user_[task->job.user] = task.get();
  jobs_.push_back(std::move(task));
  control_.loop().timers().arm(timer_, 0);
  return true;
}

// After an upgrade it is the successor that does it, for the sessions here, too: logins wait there.
void Mover::evict(const std::string& user) {
  if (!control_.why_not_now().empty()) return;
  constexpr uint64_t kEvictMs = 10'000;
  Job job;
  job.user = user;
  job.move = [] { return true; };
  job.max_ms = kEvictMs;
  start(std::move(job));
}

void Mover::tick() {
  for (size_t i = 0; i < jobs_.size(); ++i) advance(*jobs_[i]);
  bury_finished();
  if (jobs_.empty()) return;
  control_.loop().timers().arm(timer_, kMoverTickMs);
  count();
}

void Mover::bury_finished() {
  for (auto& each : jobs_) {
    if (each->stage == Stage::over) control_.loop().bury(std::move(each->hook));
  }
  std::erase_if(jobs_, [](const auto& each) { return each->stage == Stage::over; });
}

void Mover::count() {
  if (counting_) return;
  std::vector<std::string> users;
  for (auto& each : jobs_) {
    if (each->stage == Stage::emptying) users.push_back(each->job.user);
  }
  if (users.empty()) return;
  counting_ = true;
  evict_users(control_, users, [this, last = numbers_, alive = std::weak_ptr(alive_)](const Eviction& eviction) {
    if (!alive.expired()) counted(eviction, last);
  });
}

// `last`: the newest task of then. Whoever hears of an end may start another job.
void Mover::counted(const Eviction& eviction, uint64_t last) {
  counting_ = false;
  for (size_t i = 0; i < jobs_.size(); ++i) {
    Task& task = *jobs_[i];
    auto found = eviction.users.find(task.job.user);
    bool counts = found != eviction.users.end() && task.number <= last;
    if (!counts || task.stage != Stage::emptying) continue;
    task.ended += found->second.ended;
    task.unknown = eviction.missing.empty() ? "" : eviction.missing.front();
    if (found->second.left > 0 || !eviction.missing.empty()) continue;
    control_.ledger().affinity.let_go(task.job.user);
    // Who had no session has no server that must finish; but mail may be on its way there.
    const config::Config& config = control_.running().config;
    const bool waits = task.ended > 0 || !config.startup.lookup.socketmap.empty();
    const uint64_t delay_ms = waits ? config.live.limits.move_delay_ms : 0;
    task.settled_ms = control_.loop().now_ms() + delay_ms;
    task.stage = Stage::settling;
    advance(task);
  }
}

void Mover::advance(Task& task) {
  const uint64_t now_ms = control_.loop().now_ms();
  if (task.stage == Stage::hook) {
    if (now_ms >= task.deadline_ms && task.hook != nullptr) task.hook->kill();
    return;
  }
  if (task.stage == Stage::over) return;
  if (now_ms >= task.deadline_ms) {
    return finish(task, task.unknown.empty() ? "his sessions did not end in time" : task.unknown);
  }
  if (task.stage == Stage::settling && now_ms >= task.settled_ms) run_hook(task);
}

void Mover::run_hook(Task& task) {
  if (task.job.hook.empty()) return finish(task, "");
  task.stage = Stage::hook;
  auto hook =
      Hook::start(control_.loop(), task.job.hook, [this, &task](const std::string& failure) { finish(task, failure); });
  if (!hook) return finish(task, hook.error().message);
  task.hook = std::move(*hook);
}

void Mover::finish(Task& task, const std::string& failure) {
  task.stage = Stage::over;
  by_user_.erase(task.job.user);
  std::string why = failure;
  if (why.empty() && !task.job.move()) why = "too many users have an order of their own";
  control_.ledger().holds.release(task.job.user, Holds::By::mover);
  ++(why.empty() ? control_.ledger().users_moved : control_.ledger().moves_failed);
  control_.loop().timers().arm(timer_, 0);
  if (task.job.done) task.job.done(why, task.ended);
}

void Mover::close() {
  alive_.reset();
  timer_.cancel();
  for (auto& each : jobs_) {
    if (each->hook == nullptr) continue;
    each->hook->leave();
    control_.loop().bury(std::move(each->hook));
  }
  jobs_.clear();
  by_user_.clear();
}

}  // namespace postigo
