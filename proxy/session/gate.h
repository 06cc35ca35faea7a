// Gate: what stands between an attempt to log in and the directories: the penalties of whoever guesses. It lets the
// attempt pass, makes it wait, or refuses it unseen; and it is told what became of it.
//
// A part of a Login, confined to the worker's thread. Calls nobody back from inside a call, nor after it is destroyed.
#pragma once

#include <cstdint>
#include <string>

#include "backends/ledger/penalty.h"
#include "proxy/base/refused.h"
#include "proxy/net/timer_wheel.h"

namespace postigo {

class Session;

class Gate {
 public:
  enum class Answer : uint8_t {
    pass,
    wait,     // `opened` is called later, and next() tells then
    refused,  // as one who guesses
    busy,     // too many of his address are under way, none of them a guess so far
  };

  // `opened(owner)`: the waiting is over.
  Gate(Session& session, void (*opened)(void*), void* owner);
  ~Gate();

  Answer knock(std::string_view user);  // an attempt begins
  Answer next();                        // after the waiting. REQUIRES: knock() or this said `wait`
  // What became of an attempt; nothing if none has passed. `secret`: what was tried.
  void refused(Refused reason, std::string_view secret);
  void succeeded();

  uint64_t waited_ms() const { return waited_ms_; }  // of the newest attempt
  uint64_t told_ms() const { return told_ms_; }      // from its beginning on: a refusal is told no earlier

 private:
  Answer begin();
  template <typename End>
  void settle(End&& end);

  Session& session_;
  Timer timer_;
  std::string user_;
  Penalties::Attempt attempt_;
  uint64_t began_ms_ = 0, waited_ms_ = 0, told_ms_ = 0;
};

}  // namespace postigo
