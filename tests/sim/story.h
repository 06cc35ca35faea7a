// Story: what all rooms of the simulation share: the clock, the dice, what has happened so far, and what was wrong.
//
// Single thread. The same number gives the same story.
#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/timeline.h"

namespace postigo::sim {

struct Scale {
  size_t backends = 36;
  size_t users = 2'000;
  size_t logins = 8'000;  // of the whole story
  uint64_t minutes = 60;  // that it takes
};

// What happened, for people; and for the end of all stories, where each of these must have happened.
enum class Count : uint8_t {
  logins,
  served,
  refused,
  held,
  limited,
  retries,
  queued,
  waited_in_vain,
  lines_full,
  ready_made,
  ready_used,
  ready_lost,
  stranded,
  waited,
  asked_again,
  undecided,
  trials,
  deaths,
  hangs,
  renames,
  orders,
  reloads,
  successors,
  moves,
  moves_failed,
  flushes,
  guesses,
  guesses_refused,
  good_logins,
  good_waits,
};
inline constexpr std::array<std::string_view, 30> kCountNames = {"logins",
                                                                 "served",
                                                                 "refused",
                                                                 "refused of users who had to stay",
                                                                 "over a limit",
                                                                 "retries",
                                                                 "in line for room",
                                                                 "of these in vain",
                                                                 "who found a line full",
                                                                 "connections made ready",
                                                                 "logins by one",
                                                                 "ready ones that did not last",
                                                                 "let go to be served elsewhere",
                                                                 "on hold",
                                                                 "questions that nobody could answer yet",
                                                                 "refused as nobody answered",
                                                                 "trials",
                                                                 "deaths",
                                                                 "hangs",
                                                                 "renames",
                                                                 "orders",
                                                                 "reloads",
                                                                 "successors",
                                                                 "moves",
                                                                 "moves that failed",
                                                                 "flushes",
                                                                 "guesses",
                                                                 "guesses refused unseen",
                                                                 "logins beside guessers",
                                                                 "of these delayed"};

struct Numbers {
  std::array<uint64_t, kCountNames.size()> counts{};
  uint64_t most_sessions = 0, most_bonds = 0, most_waiting = 0, most_guessers = 0;
  double moved = 0, moved_ideal = 0;  // users, of all samples

  uint64_t& operator[](Count what) { return counts[static_cast<size_t>(what)]; }
  void add(const Numbers& more);
};

class Story {
 public:
  Story(uint64_t number, const Scale& how_large) : scale(how_large), random(number) {}
  Story(const Story&) = delete;
  Story& operator=(const Story&) = delete;

  uint64_t roll(uint64_t below) { return random() % below; }
  bool one_in(uint64_t many) { return roll(many) == 0; }
  uint64_t length_ms() const { return scale.minutes * 60'000; }
  uint64_t now_ms() const { return time.now_ms(); }
  int64_t now_s() const { return kBeganS + static_cast<int64_t>(time.now_ms() / 1000); }  // unix time
  uint64_t& count(Count what) { return numbers[what]; }
  void wrong(const std::string& what) { complaints.push_back("at " + std::to_string(time.now_ms()) + " ms: " + what); }

  const Scale scale;
  std::mt19937_64 random;
  Timeline time;
  Numbers numbers;
  std::vector<std::string> complaints;

 private:
  static constexpr int64_t kBeganS = 1'800'000'000;
};

}  // namespace postigo::sim
