// BackendStream: the backend's direction of the relay filter (filter.h says what it is for).
//
// Passes everything but: capability lists are rewritten atom by atom, an ID response gets a pair that names us (unless
// it begins with that pair already, which another Postigo has put there), a tag of ours becomes the client's again, and
// a "+" for which the client does not wait is taken out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "parser/base/limits.h"
#include "parser/capability_policy.h"
#include "parser/framing/literal_tail.h"
#include "parser/imap/both_ways.h"
#include "parser/imap/capability.h"
#include "parser/imap/cursor.h"
#include "parser/imap/exchange.h"
#include "parser/imap/held.h"
#include "parser/relay_filter.h"

namespace postigo::imap {

class BackendStream {
 public:
  explicit BackendStream(BothWays& both) : both_(both) {}  // which outlives it

  FilterStep feed(Bytes in, Slices& out);
  bool at_line_start() const { return state_ == State::start; }

 private:
  enum class State : uint8_t {
    start,        // of a response
    star,         // behind "*"
    word,         // behind "* "
    tag,          //
    alias,        // a tag that may be one of ours
    tagged_word,  // behind "tag "
    code_gap,     // behind a status word: a "[" may come
    code,         // its first word
    list,         // of capabilities
    list_end,     // before what ends it: additions
    id,           // behind "* ID"
    id_nil,       // a prefix of NIL
    id_open,      // behind "(": our pair may stand there already
    text,         // to the end of the line; no literal can follow
    hidden,       // the same, but nothing of it passes
    data,         // to the end of the line, where a literal may be announced
    literal,      // passes by count
  };
  enum class Kind : uint8_t { other, continuation, refusal, ok, complaint };

  bool step(Cursor& cursor);
  void at_start(Cursor& cursor);
  void at_star(Cursor& cursor);
  void at_word(Cursor& cursor);
  void untagged_known(Cursor& cursor);
  void at_tag(Cursor& cursor);
  void at_alias(Cursor& cursor);
  void not_alias(Cursor& cursor);
  void at_tagged_word(Cursor& cursor);
  void at_code_gap(Cursor& cursor);
  void at_code(Cursor& cursor);
  void begin_list(Cursor& cursor, bool in_code);
  void at_list(Cursor& cursor);
  bool ends_list(char c) const { return c == '\n' || c == '\r' || (in_code_ && c == ']'); }
  void decide_atom(Cursor& cursor);
  void at_list_end(Cursor& cursor);
  void at_id(Cursor& cursor);
  void at_id_nil(Cursor& cursor);
  void at_id_open(Cursor& cursor);
  void at_text(Cursor& cursor);
  bool at_data(Cursor& cursor);
  void at_literal(Cursor& cursor);
  void end_line();

  bool collect(char c);
  Bytes word() const { return {word_.data(), word_size_}; }
  void release(Cursor& cursor);
  void to_data();

  // What exists only while a list passes: rare, hence not part of every idle session.
  struct List {
    explicit List(const CapabilityPolicy& policy) : rewriter(policy) {}
    CapabilityRewriter rewriter;
    Held<limits::kCapabilityAtomMax + 1> held;  // one blank and an atom
    Bytes addition;                             // the next one, if known
    bool too_long = false;                      // the atom at hand: drop it
  };

  BothWays& both_;
  std::unique_ptr<List> list_;
  std::unique_ptr<List> spent_;  // until the next call
  uint64_t left_ = 0;            // of a literal
  uint64_t alias_ = 0;           // of the tagged line at hand; 0: the client's own tag
  LiteralTail tail_;
  Held<Aliases::kTextMax> held_;  // NIL, or a tag
  uint8_t pair_said_ = 0;         // octets of our pair that an ID begins with, from inputs that are gone
  std::array<char, 10> word_{};   // the longest that matters: CAPABILITY
  uint8_t word_size_ = 0;
  State state_ = State::start;
  Kind kind_ = Kind::other;
  bool in_code_ = false;
};

}  // namespace postigo::imap
