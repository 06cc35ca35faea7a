// One row per name, found by its hash alone: two names that meet take turns in it. Not here: the lines themselves
// (backends/work/fair_queue.h).
#include "backends/directory/standing.h"

#include <unistd.h>

#include <cstdlib>

namespace postigo {
namespace {

constexpr size_t kRows = 1 << 15;
constexpr uint64_t kSuspectMs = 60'000;

}  // namespace

Standing::Standing() : rows_(kRows) {
  if (getentropy(keys_.data(), sizeof(keys_)) != 0) std::abort();  // the kernel always has some
}

uint64_t Standing::hash(std::string_view name) const { return siphash(keys_[0], name) | 1; }

uint8_t Standing::mark(const Secret& password, std::string_view stored) const {
  Secret both(stored);
  both.append(std::string_view("\0", 1));
  both.append(password.reveal());
  return static_cast<uint8_t>(siphash(keys_[1], both.reveal()));
}

Turn::Rank Standing::rank(std::string_view name, const Secret& password, std::string_view stored,
                          uint64_t now_ms) const {
  const uint64_t wanted = hash(name);
  const uint8_t given = mark(password, stored);
  std::lock_guard lock(mutex_);
  const Row& row = rows_[(wanted >> 1) % kRows];
  if (row.name != wanted) return Turn::Rank::usual;
  if (row.has_mark && row.mark == given) return Turn::Rank::first;
  return row.suspect_until_ms > now_ms ? Turn::Rank::last : Turn::Rank::usual;
}

Standing::Row& Standing::claim(uint64_t name) {
  Row& row = rows_[(name >> 1) % kRows];
  if (row.name != name) row = Row{name, 0, 0, false};
  return row;
}

void Standing::succeeded(std::string_view name, const Secret& password, std::string_view stored) {
  const uint8_t given = mark(password, stored);
  std::lock_guard lock(mutex_);
  Row& row = claim(hash(name));
  row.mark = given;
  row.has_mark = true;
}

void Standing::failed(std::string_view name, uint64_t now_ms) {
  std::lock_guard lock(mutex_);
  claim(hash(name)).suspect_until_ms = now_ms + kSuspectMs;
}

}  // namespace postigo
