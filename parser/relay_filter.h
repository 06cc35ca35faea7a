// RelayFilter: what may be changed in the stream after the login, in both directions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "parser/base/bytes.h"
#include "parser/base/counter.h"
#include "parser/farewell.h"

namespace postigo {

// Up to kMax spans to write, in order. Each points into the filter's input or into its own small buffer, and is valid
// until the next call into the filter or until the input goes.
class Slices {
 public:
  static constexpr size_t kMax = 16;
  void add(Bytes bytes) {
    if (!bytes.empty()) items_[count_++] = bytes;
  }
  bool full() const { return count_ + 2 > kMax; }  // room for two more is what a filter needs to go on
  void clear() { count_ = 0; }
  std::span<const Bytes> all() const { return {items_.data(), count_}; }

 private:
  std::array<Bytes, kMax> items_{};
  size_t count_ = 0;
};

struct FilterStep {
  enum class State {
    ok,       // all consumed, or call again with the rest once the slices are written (slices or own buffer were full)
    more,     // client direction only: the rest is an incomplete line; offer it again with more behind it
    blocked,  // client direction only: the rest may pass only after the backend has spoken; offer it again then
    broken,   // the stream breaks the protocol in a way that we cannot relay safely: close the session
  };
  size_t consumed = 0;
  State state = State::ok;
};

// Where a filter counts. All of it outlives the filter.
struct FilterCounts {
  // Not explicit: who only wants commands counted names their array.
  FilterCounts(Counter* verbs_, Counter* lists_ = nullptr) : verbs(verbs_), lists(lists_) {}
  Counter* verbs;  // the client's commands: Protocol::verbs.size() entries
  Counter* lists;  // the backend's capability lists that were rewritten; may be null
};

// After login, both directions. Rewrites what must be rewritten, at any chunking; never looks into literals; O(1)
// memory.
class RelayFilter {
 public:
  virtual ~RelayFilter() = default;
  virtual FilterStep from_client(Bytes in, Slices& out) = 0;
  virtual FilterStep from_backend(Bytes in, Slices& out) = 0;
  // What is held back is held so long at most, counted from the call that left it: then the caller says give_up() and
  // offers the rest again. 0: nobody waits. Ask after each call.
  virtual uint32_t patience_ms() const { return 0; }
  // Returns what was waited for, for a log: static text.
  virtual std::string_view give_up() { return {}; }
  virtual bool at_line_start()
      const = 0;  // backend to client: between two responses, a line of ours would be legal (T46)
  virtual bool transparent() const = 0;  // the stream became opaque (COMPRESS): bytes pass unseen from here on
  virtual bool said_quit() const = 0;    // the client asked for LOGOUT or QUIT
  virtual uint64_t commands() const = 0;
  // What may be said to the client right now on our own account, or nothing: only IMAP allows it, and only between two
  // responses (T46, T49). Static text.
  virtual Bytes farewell(Farewell) const { return {}; }
};

}  // namespace postigo
