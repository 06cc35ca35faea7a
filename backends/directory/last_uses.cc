// Gathers and writes. Not here: which password it was (app_password.cc).
#include "backends/directory/last_uses.h"

#include <utility>

namespace postigo {
namespace {

constexpr int64_t kOftenS = 60;
constexpr size_t kGatheredMax = 10'000;
}  // namespace

struct LastUses::Gathered {
  Write write;
  std::mutex mutex;
  Uses waiting;
  Uses written;  // lately: look-ups may not see it yet
  std::string trouble;
  std::atomic<bool> troubled = false;

  void write_all() {
    Uses uses;
    {
      std::lock_guard lock(mutex);
      uses = std::exchange(waiting, {});
      if (written.size() > kGatheredMax) written.clear();
      for (const auto& [whose, used_s] : uses) written[whose] = used_s;
    }
    if (uses.empty()) return;
    auto done = write(uses);
    if (done) return;
    std::lock_guard lock(mutex);
    trouble = done.error().message;
    troubled = true;
  }
};

LastUses::LastUses(Write write) : gathered_(std::make_shared<Gathered>()) { gathered_->write = std::move(write); }
LastUses::~LastUses() = default;

std::string LastUses::take_trouble() {
  if (!gathered_->troubled) return {};
  std::lock_guard lock(gathered_->mutex);
  gathered_->troubled = false;
  return std::exchange(gathered_->trouble, {});
}

void LastUses::tell(const std::string& user, const AppPassword& password, int64_t now_s) {
  if (now_s - password.used_s < kOftenS) return;
  const auto whose = std::pair(user, password.label);
  {
    std::lock_guard lock(gathered_->mutex);
    auto before = gathered_->written.find(whose);
    if (before != gathered_->written.end() && now_s - before->second < kOftenS) return;
    const bool is_first = gathered_->waiting.empty();
    if (gathered_->waiting.size() < kGatheredMax) gathered_->waiting[whose] = now_s;
    if (!is_first) return;  // it will be written with that one
  }
  std::lock_guard lock(mutex_);
  if (thread_ == nullptr) thread_ = std::make_unique<Offload>(1, 16, 0, Offload::Running::left);
  thread_->submit([gathered = gathered_] { gathered->write_all(); });
}

}  // namespace postigo
