// Attempts: how often a client may err before it is shown the door: one budget, whatever the protocol (A20).
//
// Only what the client is to blame for counts as a failed login. "Not now", "our fault" and "too many at a time" say
// nothing about who asks: a client that tries again during an outage is not a guesser.
#pragma once

#include "parser/base/limits.h"
#include "parser/refusal.h"

namespace postigo {

class Attempts {
 public:
  void command() { ++commands_; }
  void bad_command() { ++bad_commands_; }
  void refused(Refusal::Kind kind) { failures_ += is_failure(kind) ? 1 : 0; }
  static bool is_failure(Refusal::Kind kind) {
    using Kind = Refusal::Kind;
    return kind != Kind::unavailable && kind != Kind::server_bug && kind != Kind::too_many;
  }

  unsigned commands() const { return commands_; }
  bool too_many_commands() const { return commands_ >= limits::kCommandsBeforeLoginMax; }
  bool too_many_bad_commands() const { return bad_commands_ >= limits::kBadCommandsMax; }
  bool too_many_failures() const { return failures_ >= limits::kAuthFailuresMax; }

 private:
  unsigned commands_ = 0;
  int bad_commands_ = 0;
  int failures_ = 0;
};

}  // namespace postigo
