// When a backend falls, is tried and rises. Not here: who probes (proxy/control/prober), what an operator wants
// (proxy/fleet.h), the order of candidates (selection.cc).
#include "backends/balance/health.h"

#include <algorithm>

namespace postigo {
namespace {

constexpr unsigned kFirstShare = 10;

}  // namespace

// SplitMix64.
uint64_t Health::random() {
  uint64_t x = random_ += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// Doubles with each try; by up to a quarter more or less, so that many doors do not knock at the same moment.
uint64_t Health::backoff_ms() {
  uint64_t base_ms = std::min(terms_.retry_max_ms, terms_.retry_min_ms << std::min(tries_, 20U));
  uint64_t spread_ms = base_ms / 2;
  uint64_t ms = base_ms - base_ms / 4 + (spread_ms == 0 ? 0 : random() % (spread_ms + 1));
  return std::min(ms, terms_.retry_max_ms);
}

Health::Change Health::enter(HealthState state, uint64_t now_ms, std::string_view why) {
  Change change{state_, state, std::string(why), now_ms - std::min(now_ms, since_ms_)};
  state_ = state;
  since_ms_ = now_ms;
  why_ = why;
  return change;
}

void Health::forget_failures() {
  failures_ = 0;
  depth_ = Depth::connect;
  blamed_.clear();
}

std::optional<Health::Change> Health::good(uint64_t now_ms, Depth reached, Trial trial) {
  bool tried = trial != 0 && trial == trial_;
  if (tried) trial_ = 0;
  if (reached < depth_ && failures_ > 0) {  // it says nothing of what failed
    if (tried) retry_ms_ = now_ms + backoff_ms();
    return std::nullopt;
  }
  switch (state_) {
    case HealthState::down:
      return rise(now_ms);
    case HealthState::suspect:
      forget_failures();
      return enter(HealthState::up, now_ms, "");
    default:
      forget_failures();
      return std::nullopt;
  }
}

std::optional<Health::Change> Health::rise(uint64_t now_ms) {
  retry_ms_ = now_ms;  // the next trial may follow at once
  if (++goods_ < terms_.rise) return std::nullopt;
  forget_failures();
  trial_ = 0;
  slow_greeting_ms_ = std::min(slow_greeting_ms_, terms_.silence_max_ms);
  if (terms_.slow_start_ms > 0) return enter(HealthState::slow_start, now_ms, "");
  tries_ = 0;
  return enter(HealthState::up, now_ms, "");
}

// Behind the greeting a failure may be about one user's mailbox: it counts once for each.
bool Health::counts(Depth failed, uint64_t user) {
  if (failed < Depth::login || user == 0) return true;
  if (std::find(blamed_.begin(), blamed_.end(), user) != blamed_.end()) return false;
  if (blamed_.size() < terms_.fall) blamed_.push_back(user);
  return true;
}

std::optional<Health::Change> Health::bad(uint64_t now_ms, Depth failed, std::string_view why, uint64_t user,
                                          Trial trial) {
  if (state_ == HealthState::down) {
    if (trial == 0 || trial != trial_) return std::nullopt;  // it began before, or its lease was over
    trial_ = 0;
    goods_ = 0;
    depth_ = std::max(depth_, failed);
    why_ = why;
    ++tries_;
    retry_ms_ = now_ms + backoff_ms();
    return std::nullopt;
  }
  if (failures_ > 0 && now_ms > failed_ms_ + terms_.memory_ms) forget_failures();
  if (!counts(failed, user)) return std::nullopt;
  ++failures_;
  failed_ms_ = now_ms;
  depth_ = std::max(depth_, failed);
  // Once more right after it came back: that is the same outage.
  bool relapse = state_ == HealthState::slow_start && failed < Depth::login;
  if (failures_ >= terms_.fall || relapse) return fall(now_ms, why);
  if (state_ != HealthState::up) return std::nullopt;
  return enter(HealthState::suspect, now_ms, why);
}

std::optional<Health::Change> Health::fall(uint64_t now_ms, std::string_view why) {
  if (state_ == HealthState::slow_start) ++tries_;
  goods_ = 0;
  trial_ = 0;
  retry_ms_ = now_ms + backoff_ms();
  return enter(HealthState::down, now_ms, why);
}

void Health::dropped(Trial trial) {
  if (trial != 0 && trial == trial_) trial_ = 0;
}

// One that is slow is waited for: twice what it took. Each that comes sooner takes an eighth off that.
void Health::greeted(uint64_t took_ms) {
  uint64_t wanted_ms = std::min(2 * took_ms, terms_.silence_max_ms);
  if (wanted_ms > std::max(slow_greeting_ms_, terms_.silence_ms)) {
    slow_greeting_ms_ = wanted_ms;
  } else if (slow_greeting_ms_ > wanted_ms) {
    slow_greeting_ms_ -= slow_greeting_ms_ / 8;
    if (slow_greeting_ms_ <= terms_.silence_ms) slow_greeting_ms_ = 0;
  }
}

uint64_t Health::patience_ms() const { return std::max(terms_.silence_ms, slow_greeting_ms_); }

std::optional<Health::Change> Health::tick(uint64_t now_ms) {
  slow_greeting_ms_ -= (slow_greeting_ms_ + 255) / 256;  // in a minute or so somebody may see how it greets now
  if (slow_greeting_ms_ <= terms_.silence_ms) slow_greeting_ms_ = 0;
  if (state_ == HealthState::suspect && now_ms > failed_ms_ + terms_.memory_ms) {
    forget_failures();
    return enter(HealthState::up, now_ms, "");
  }
  if (state_ == HealthState::slow_start && now_ms >= since_ms_ + terms_.slow_start_ms) {
    tries_ = 0;
    return enter(failures_ > 0 ? HealthState::suspect : HealthState::up, now_ms, "");
  }
  return std::nullopt;
}

unsigned Health::share(uint64_t now_ms) const {
  if (state_ == HealthState::down) return 0;
  if (state_ != HealthState::slow_start) return 100;
  uint64_t passed_ms = now_ms - std::min(now_ms, since_ms_);
  if (passed_ms >= terms_.slow_start_ms) return 100;
  return kFirstShare + static_cast<unsigned>((100 - kFirstShare) * passed_ms / terms_.slow_start_ms);
}

bool Health::trial_due(uint64_t now_ms) const {
  bool busy = trial_ != 0 && now_ms < lease_end_ms_;
  return state_ == HealthState::down && !busy && now_ms >= retry_ms_;
}

std::optional<Health::Trial> Health::try_out(uint64_t now_ms, uint64_t lease_ms) {
  if (!trial_due(now_ms)) return std::nullopt;
  trial_ = ++trials_;
  lease_end_ms_ = now_ms + lease_ms;
  return trial_;
}

std::optional<Health::Memory> Health::memory(uint64_t now_ms) const {
  if (state_ != HealthState::down) return std::nullopt;
  return Memory{depth_, why_, now_ms - std::min(now_ms, since_ms_)};
}

// Down, and a trial may follow at once: it decides, not what was written long ago.
Health::Change Health::remember(const Memory& memory, uint64_t now_ms) {
  Change change = enter(HealthState::down, now_ms, memory.why);
  since_ms_ = now_ms - std::min(now_ms, memory.for_ms);
  depth_ = memory.depth;
  failures_ = terms_.fall;
  goods_ = 0;
  trial_ = 0;
  retry_ms_ = now_ms;
  return change;
}

}  // namespace postigo
