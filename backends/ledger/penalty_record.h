// PenaltyRecord: what is remembered of one address, network or user that guesses, and when its next attempt may be.
//
// Pure: time is passed in, in milliseconds of any clock that never goes back. Not locked: its table does that.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace postigo {

// How a kind of record grows. `share`: how many addresses' worth of attempts it stands for (a wide network: several).
struct PenaltyScale {
  double free = 10;             // failures without consequences
  double parallel = 32;         // attempts under way while there are fewer than `free` failures
  uint64_t first_ms = 1'000;    // the delay behind `free` failures; it doubles with each one more
  uint64_t max_ms = 15'000;     // and is never longer; nobody waits longer either
  uint64_t forget_ms = 30'000;  // one failure is forgotten
  double share = 1;
  bool refuses = true;  // beyond max_ms: a refusal; else the attempt waits max_ms and goes on
};

// One attempt that failed, in so few bits that it is no use to anybody else.
struct GuessTag {
  uint16_t user = 0, guess = 0;  // 0: none
  bool operator==(const GuessTag&) const = default;
};

class PenaltyRecord {
 public:
  enum class Turn : uint8_t {
    go,       // after `wait_ms`
    again,    // as many are under way as may be: ask again after `wait_ms`
    refused,  // the queue is as long as it may be
  };
  struct Place {
    Turn turn;
    uint64_t wait_ms;
  };

  // An attempt begins: its place in the queue is taken at once, so that parallel ones stand behind each other (A23).
  // Behind `go` stands exactly one of the next three.
  Place enter(const PenaltyScale& scale, uint64_t now_ms);
  void failed(const PenaltyScale& scale, GuessTag tag, uint64_t now_ms);      // the same guess once more costs nothing
  void succeeded(const PenaltyScale& scale, uint16_t user, uint64_t now_ms);  // forgives his own failures, no others
  void taken_back(const PenaltyScale& scale, uint64_t now_ms);                // it was no guess

  void blame(const PenaltyScale& scale, GuessTag tag, uint64_t now_ms);  // a failure that never stood in the queue
  void forgive();                                                        // all; who is under way stays counted

  uint64_t wait_ms(const PenaltyScale& scale, uint64_t now_ms) const;  // of one who would come now; 0: refused, or none
  double failures(const PenaltyScale& scale, uint64_t now_ms) const;

  // For another process, whose clock is another one.
  struct Image {
    uint64_t milli_failures = 0;  // as of now
    uint64_t wait_ms = 0;         // from now until the next attempt
    std::array<GuessTag, 8> tags{};
  };
  Image image(const PenaltyScale& scale, uint64_t now_ms) const;
  // Only if nothing is known yet; no more than the scale allows.
  void adopt(const Image& image, const PenaltyScale& scale, uint64_t now_ms);
  bool nothing(const PenaltyScale& scale, uint64_t now_ms) const;  // to be remembered
  bool light(const PenaltyScale& scale, uint64_t now_ms) const;    // little would be lost with it

 private:
  void forget(const PenaltyScale& scale, uint64_t now_ms);
  void add_failure(const PenaltyScale& scale, GuessTag tag);
  void leave() { under_way_ -= under_way_ > 0 ? 1 : 0; }

  double failures_ = 0;  // as of at_ms_
  uint64_t at_ms_ = 0, next_ms_ = 0;
  uint32_t under_way_ = 0;
  uint8_t newest_ = 0;
  std::array<GuessTag, 8> tags_{};  // of failures that are counted in failures_
};

}  // namespace postigo
