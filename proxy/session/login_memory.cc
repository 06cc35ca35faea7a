// Who goes first. Not here: what a session holds and how it says good-bye (session.cc).
#include "proxy/session/login_memory.h"

#include <algorithm>
#include <vector>

namespace postigo {
namespace {

// Who holds less is no help, and is most likely somebody who is just logging in.
constexpr size_t kLarge = 2048;

}  // namespace

void LoginMemory::hold(Holder& holder, size_t octets) {
  if (octets == holder.octets_) return;
  held_ += octets - holder.octets_;
  gauge_.set(held_);
  holder.octets_ = octets;
  if (octets < kLarge) {
    holder.unlink();
  } else if (!holder.linked()) {
    holder.since_ms_ = loop_.now_ms();
    large_.push_back(holder);
  }
  if (held_ <= limit_ || asked_) return;
  asked_ = true;
  loop_.defer([this] { make_room(); });
}

// All that have to go at once: looking at everybody for each of them would cost more than it brings.
void LoginMemory::make_room() {
  asked_ = false;
  struct Candidate {
    uint64_t share;
    Holder* holder;
  };
  std::vector<Candidate> candidates;
  uint64_t now_ms = loop_.now_ms();
  large_.for_each([&](Holder& each) { candidates.push_back({each.octets_ * (now_ms - each.since_ms_ + 1), &each}); });
  std::sort(candidates.begin(), candidates.end(), [](auto& a, auto& b) { return a.share > b.share; });
  for (const Candidate& each : candidates) {
    if (held_ <= limit_ - limit_ / 8) return;
    each.holder->make_room();
  }
}

}  // namespace postigo
