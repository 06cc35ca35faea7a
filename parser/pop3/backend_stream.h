// The relay's direction from backend to client: replies pass untouched, except for the body of CAPA.
//
// Listings are skipped to their final dot without a look at what is in them (T52).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "parser/capability_policy.h"
#include "parser/pop3/capa.h"
#include "parser/pop3/reply_queue.h"
#include "parser/relay_filter.h"

namespace postigo::pop3 {

class BackendStream {
 public:
  // `lists` counts rewritten lists and outlives the stream; may be null.
  BackendStream(std::shared_ptr<const CapabilityPolicy> policy, Counter* lists)
      : policy_(std::move(policy)), lists_(lists) {}

  FilterStep feed(Bytes in, Slices& out, ReplyQueue& owed);
  bool between_replies() const { return state_ == State::between; }

 private:
  enum class State {
    between,     // before a reply
    line,        // in its first line
    body,        // in a listing: somewhere in a line
    body_start,  // at the start of a line
    body_dot,    // behind a dot at the start of a line
    body_cr,     // behind that and a CR
    promise,     // a CAPA body, before the backend's first line: ours come first
    tag,         // in a capability's tag
    keep,        // in a capability that passes
    drop,        // in one that does not
    capa_cr,     // behind a dot and a CR at the start of a line
    no_list,     // in the backend's refusal of CAPA, which our own list replaces
  };

  struct Cursor {
    Bytes in;
    Slices& out;
    size_t from = 0;  // [from, at) passes but is not yet in the slices
    size_t at = 0;
    void flush();
    void skip_to(size_t to) { from = at = to; }
  };

  void run(Cursor& cursor, ReplyQueue& owed);
  void between(Cursor& cursor, ReplyQueue& owed);
  void line(Cursor& cursor);
  void body(Cursor& cursor);
  void promise(Cursor& cursor);
  void tag(Cursor& cursor);
  void end_tag(Cursor& cursor);
  void keep(Cursor& cursor);
  void drop(Cursor& cursor);
  void capa_cr(Cursor& cursor);
  void end_capa(Cursor& cursor);
  void own_list(Cursor& cursor);
  void no_list(Cursor& cursor);
  void next_capability();

  std::shared_ptr<const CapabilityPolicy> policy_;
  Counter* lists_;
  State state_ = State::between;
  Shape shape_ = Shape::single;
  uint32_t promised_ = 0;  // how many of our capabilities have been said in this body
  bool own_ = false;       // this body is all ours
  uint8_t tag_size_ = 0;
  std::array<char, kKnownTagMax + 1> tag_{};  // one more than any that may pass
};

}  // namespace postigo::pop3
