// When an outage is told. Not here: what counts as one (upstream.cc, login.cc).
#include "proxy/session/outage.h"

#include <algorithm>

namespace postigo {

void Outage::failed(uint64_t now_ms, const log::Fields& how) {
  std::lock_guard lock(mutex_);
  failing_ = true;
  if (failures_++ == 0) since_ms_ = now_ms;
  if (told_ || now_ms < calm_after_ms_) return;
  told_ = true;
  log::write(away_, how);
}

void Outage::served(uint64_t now_ms) {
  if (!failing_.load(std::memory_order_relaxed)) return;
  std::lock_guard lock(mutex_);
  failing_ = false;
  if (!told_) return;  // too soon after the last time: it counts for the next one
  log::Fields fields;
  if (!backend_.empty()) fields.push_back({"backend", backend_});
  fields.push_back({"failed_logins", failures_});
  fields.push_back({"seconds", static_cast<double>(now_ms - std::min(now_ms, since_ms_)) / 1000.0});
  log::write(back_, fields);
  told_ = false;
  failures_ = 0;
  calm_after_ms_ = now_ms + kCalmMs;
}

}  // namespace postigo
