// A count over a window that slides, and a pause that doubles. Not here: the connections (proxy/session/ready_pool).
#include "backends/balance/ready_plan.h"

#include <algorithm>
#include <cmath>

namespace postigo {
namespace {

constexpr uint64_t kPauseMinMs = 1'000;
constexpr uint64_t kPauseMaxMs = 60'000;
constexpr double kSpare = 2;  // logins do not come evenly

}  // namespace

void ReadyPlan::login(uint64_t now_ms) {
  if (!came_ || now_ms - window_ms_ >= kWindowMs) {
    bool next = came_ && now_ms - window_ms_ < 2 * kWindowMs;
    before_ = next ? logins_ : 0;
    window_ms_ = next ? window_ms_ + kWindowMs : now_ms;
    logins_ = 0;
  }
  ++logins_;
  last_login_ms_ = now_ms;
  came_ = true;
}

// What the window of now has, and of the one before as much as a window that ends now would have of it.
double ReadyPlan::per_ms(uint64_t now_ms) const {
  const uint64_t passed_ms = now_ms - window_ms_;
  const auto window = static_cast<double>(kWindowMs);
  if (passed_ms >= 2 * kWindowMs) return 0;
  if (passed_ms >= kWindowMs) {
    return static_cast<double>(logins_) * (2 * window - static_cast<double>(passed_ms)) / window / window;
  }
  const double rest = static_cast<double>(before_) * (window - static_cast<double>(passed_ms)) / window;
  return (static_cast<double>(logins_) + rest) / window;
}

void ReadyPlan::made(uint64_t took_ms) {
  constexpr uint64_t kPart = 4;
  took_ms = std::max<uint64_t>(took_ms, 1);
  took_ms_ = took_ms_ == 0 ? took_ms : (took_ms_ * (kPart - 1) + took_ms + kPart - 1) / kPart;
}

void ReadyPlan::failed(uint64_t now_ms) {
  pause_ms_ = std::clamp(2 * pause_ms_, kPauseMinMs, kPauseMaxMs);
  rests_until_ms_ = now_ms + pause_ms_;
}

size_t ReadyPlan::wanted(const Terms& terms, uint64_t now_ms) const {
  if (!came_ || now_ms - last_login_ms_ >= terms.idle_ms) return 0;
  const double meanwhile = per_ms(now_ms) * static_cast<double>(std::max<uint64_t>(took_ms_, 1)) * kSpare;
  return static_cast<size_t>(std::min(std::max<uint64_t>(static_cast<uint64_t>(std::ceil(meanwhile)), 1), terms.max));
}

}  // namespace postigo
