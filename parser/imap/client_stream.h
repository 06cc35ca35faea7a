// ClientStream: the client's direction of the relay filter (filter.h says what it is for).
//
// What passes is what came, except: a verb that must not reach the backend passes as an unknown one of the same length
// and without arguments, so that the backend answers BAD under the client's tag and in order; "{n+}" passes as "{n}";
// blank lines and a DONE outside IDLE do not pass, because nobody knows whether they get an answer; and a line without
// a verb passes with an unknown one, so that it gets exactly one.
#pragma once

#include <cstddef>
#include <cstdint>

#include "parser/base/counter.h"
#include "parser/dialogue.h"
#include "parser/framing/literal_tail.h"
#include "parser/imap/exchange.h"
#include "parser/imap/held.h"

namespace postigo::imap {

class ClientStream {
 public:
  // All outlive the stream; `counts` has kVerbs.size() entries.
  ClientStream(Exchange& exchange, const CapabilityPolicy& policy, Counter* counts)
      : exchange_(exchange), policy_(policy), counts_(counts) {}

  FilterStep feed(Bytes in, Slices& out);
  bool said_logout() const { return said_logout_; }
  uint64_t commands() const { return commands_; }

 private:
  enum class State : uint8_t {
    start,            // of a line
    blank,            // behind CR at the start of a line
    done,             // a prefix of DONE
    tag,              //
    gap,              // between tag and verb
    verb,             //
    args,             // up to the end of a line, the verb is known
    awaited_literal,  // announced; the backend has not answered
    literal,          // passes by count
    swallow,          // the rest of a command that the backend will not see
    swallow_literal,  // by count
  };
  enum class Action : uint8_t { go_on, blocked, broken };

  Action step(Cursor& cursor);
  void settle_literal();
  void at_start(Cursor& cursor);
  void at_blank(Cursor& cursor);
  void at_done(Cursor& cursor);
  void not_done(Cursor& cursor);
  void at_tag(Cursor& cursor);
  void at_gap(Cursor& cursor);
  void no_verb(Cursor& cursor, Bytes verb_and_end);
  void at_verb(Cursor& cursor);
  void verb_known(Cursor& cursor);
  void neutralise(Cursor& cursor, size_t verb_size);
  Action at_args(Cursor& cursor);
  Action at_line_end(Cursor& cursor);
  void announce_literal(Cursor& cursor, bool has_cr);
  Action at_swallow(Cursor& cursor);
  void at_literal(Cursor& cursor);

  void new_line();
  void release(Cursor& cursor);
  void count_command();
  bool forbidden(Bytes upper_verb) const;

  static constexpr size_t kVerbMax = 20;  // the longest that we know has 17

  Exchange& exchange_;
  const CapabilityPolicy& policy_;
  Counter* counts_;
  uint64_t left_ = 0;  // of a literal
  uint64_t tag_hash_ = kTagHashStart;
  uint64_t commands_ = 0;
  LiteralTail tail_;
  Held<kVerbMax> held_;
  State state_ = State::start;
  Exchange::Wait sync_ = Exchange::Wait::none;  // what the end of this command waits for: IDLE, COMPRESS
  uint8_t verb_ = 0;                            // index into kVerbs
  bool uid_ = false;
  bool hidden_literal_ = false;
  bool said_logout_ = false;
};

}  // namespace postigo::imap
