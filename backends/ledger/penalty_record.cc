// The arithmetic of delays. Not here: who is asked about whom, and who is exempt (penalty.cc).
#include "backends/ledger/penalty_record.h"

#include <cmath>

namespace postigo {
namespace {

constexpr uint64_t kAskAgainMs = 100;
constexpr double kLight = 3;  // failures

// In doublings of the first delay: more failures than those of the longest delay would only be remembered longer.
double failures_max(const PenaltyScale& scale) {
  double first = static_cast<double>(std::max<uint64_t>(scale.first_ms, 1));
  return scale.free * scale.share + std::ceil(std::log2(std::max(1.0, static_cast<double>(scale.max_ms) / first))) + 1;
}

// Of whole failures; what is forgotten meanwhile counts from half of one on.
double beyond_free(const PenaltyScale& scale, double failures) {
  return std::floor(failures + 0.5) - scale.free * scale.share;
}

// Between the attempt that makes it so many failures and the next one.
uint64_t interval_ms(const PenaltyScale& scale, double failures) {
  double beyond = beyond_free(scale, failures);
  if (beyond < 0) return 0;
  double delay = static_cast<double>(scale.first_ms) * std::exp2(std::min(std::floor(beyond), 32.0));
  return static_cast<uint64_t>(std::min(delay, static_cast<double>(scale.max_ms)) / scale.share);
}

}  // namespace

double PenaltyRecord::failures(const PenaltyScale& scale, uint64_t now_ms) const {
  double passed = static_cast<double>(now_ms > at_ms_ ? now_ms - at_ms_ : 0);
  return std::max(0.0, failures_ - passed * scale.share / static_cast<double>(std::max<uint64_t>(scale.forget_ms, 1)));
}

void PenaltyRecord::forget(const PenaltyScale& scale, uint64_t now_ms) {
  failures_ = failures(scale, now_ms);
  at_ms_ = std::max(at_ms_, now_ms);
}

PenaltyRecord::Image PenaltyRecord::image(const PenaltyScale& scale, uint64_t now_ms) const {
  return {static_cast<uint64_t>(failures(scale, now_ms) * 1000), next_ms_ > now_ms ? next_ms_ - now_ms : 0, tags_};
}

void PenaltyRecord::adopt(const Image& image, const PenaltyScale& scale, uint64_t now_ms) {
  if (!nothing(scale, now_ms)) return;
  failures_ = std::min(static_cast<double>(image.milli_failures) / 1000, failures_max(scale));
  at_ms_ = now_ms;
  next_ms_ = now_ms + std::min(image.wait_ms, scale.max_ms);
  tags_ = image.tags;
}

PenaltyRecord::Place PenaltyRecord::enter(const PenaltyScale& scale, uint64_t now_ms) {
  forget(scale, now_ms);
  // Who is never refused is counted as a failure until he is none: nobody is made to ask again.
  double counted = scale.refuses ? failures_ : failures_ + under_way_;
  if (beyond_free(scale, counted) < 0) {
    if (scale.refuses && under_way_ >= scale.parallel * scale.share) return {Turn::again, kAskAgainMs};
    ++under_way_;
    return {Turn::go, 0};
  }
  uint64_t wait = next_ms_ > now_ms ? next_ms_ - now_ms : 0;
  if (wait > scale.max_ms && scale.refuses) return {Turn::refused, 0};
  wait = std::min(wait, scale.max_ms);
  ++under_way_;
  next_ms_ = now_ms + wait + interval_ms(scale, failures_ + under_way_);
  return {Turn::go, wait};
}

void PenaltyRecord::add_failure(const PenaltyScale& scale, GuessTag tag) {
  bool known = tag.guess != 0 && std::find(tags_.begin(), tags_.end(), tag) != tags_.end();
  if (known) return;
  failures_ = std::min(failures_ + 1, failures_max(scale));
  tags_[newest_++ % tags_.size()] = tag;
}

void PenaltyRecord::failed(const PenaltyScale& scale, GuessTag tag, uint64_t now_ms) {
  leave();
  blame(scale, tag, now_ms);
}

void PenaltyRecord::blame(const PenaltyScale& scale, GuessTag tag, uint64_t now_ms) {
  forget(scale, now_ms);
  add_failure(scale, tag);
  // The next one waits from now on, also if those before it came in together.
  next_ms_ = std::max(next_ms_, now_ms + interval_ms(scale, failures_));
}

// An attacker who has an account gains nothing for his guesses at others.
void PenaltyRecord::succeeded(const PenaltyScale& scale, uint16_t user, uint64_t now_ms) {
  taken_back(scale, now_ms);
  for (GuessTag& tag : tags_) {
    if (tag.guess == 0 || tag.user != user) continue;
    failures_ = std::max(0.0, failures_ - 1);
    tag = {};
  }
}

void PenaltyRecord::taken_back(const PenaltyScale& scale, uint64_t now_ms) {
  leave();
  forget(scale, now_ms);
}

void PenaltyRecord::forgive() {
  failures_ = 0;
  next_ms_ = 0;
  tags_ = {};
}

uint64_t PenaltyRecord::wait_ms(const PenaltyScale& scale, uint64_t now_ms) const {
  if (beyond_free(scale, failures(scale, now_ms)) < 0 || next_ms_ <= now_ms) return 0;
  uint64_t wait = next_ms_ - now_ms;
  return wait > scale.max_ms ? 0 : wait;
}

bool PenaltyRecord::nothing(const PenaltyScale& scale, uint64_t now_ms) const {
  return under_way_ == 0 && next_ms_ <= now_ms && failures(scale, now_ms) <= 0;
}

bool PenaltyRecord::light(const PenaltyScale& scale, uint64_t now_ms) const {
  return under_way_ == 0 && next_ms_ <= now_ms && failures(scale, now_ms) < kLight;
}

}  // namespace postigo
