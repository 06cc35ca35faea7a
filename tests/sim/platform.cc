// What happens by the clock alone, and the end.
#include "tests/sim/platform.h"

namespace postigo::sim {
namespace {

constexpr uint64_t kAfterMs = 80 * 60'000;  // until the last session has ended and the last bond has lapsed
constexpr size_t kEnough = 20;              // complaints

}  // namespace

Platform::Platform(uint64_t seed, const Scale& scale)
    : story_(seed, scale),
      world_(story_),
      door_(story_, world_),
      oracle_(story_, world_, door_),
      rooms_(story_, world_, door_),
      ready_(story_, world_, door_),
      logins_(story_, world_, door_, oracle_, rooms_, ready_),
      mover_(story_, world_, door_, logins_, oracle_),
      survey_(story_, world_, door_),
      operators_(story_, world_, door_, logins_, mover_, oracle_, survey_),
      load_(story_, logins_),
      guessers_(story_) {}

void Platform::schedule() {
  const uint64_t length_ms = story_.length_ms();
  world_.schedule();
  load_.schedule();
  operators_.schedule();
  guessers_.schedule();
  for (const auto& server : world_.servers()) {
    for (uint64_t at_ms = story_.roll(10'000); at_ms < length_ms + kAfterMs; at_ms += 8'000 + story_.roll(4'000)) {
      story_.time.in(at_ms, [this, &server = *server] { logins_.probe(server); });
    }
  }
  for (uint64_t at_ms = 0; at_ms < length_ms + kAfterMs; at_ms += 1'000) story_.time.in(at_ms, [this] { keep(); });
  for (uint64_t at_ms = 0; at_ms < length_ms; at_ms += 60'000) {
    story_.time.in(at_ms, [this] {
      oracle_.check_bounds();
      rooms_.check_bounds();
      ready_.check_bounds();
      guessers_.check_bounds();
    });
  }
  for (int i = 0; i < 3; ++i) story_.time.in(story_.roll(length_ms), [this] { survey_.look(); });
}

// As the control thread does each second.
void Platform::keep() {
  mover_.keep();
  for (const auto& server : world_.servers()) server->belief->health.tick(story_.now_ms());
}

const std::vector<std::string>& Platform::run() {
  schedule();
  while (story_.time.step()) {
    if (story_.complaints.size() >= kEnough) break;
  }
  if (story_.complaints.empty()) end();
  return story_.complaints;
}

void Platform::end() {
  oracle_.check_end();
  rooms_.check_end();
  ready_.check_end();
  guessers_.check_end();
}

}  // namespace postigo::sim
