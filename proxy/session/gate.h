// Gate: what stands between an attempt to log in and the directories, and between them and the backend: the penalties
// of whoever guesses, and the policy server. It lets the attempt pass, makes it wait, or refuses it; and it is told
// what became of it.
//
// A part of a Login, confined to the worker's thread. Calls nobody back from inside a call, nor after it is destroyed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "backends/ledger/guesses.h"
#include "proxy/base/refused.h"
#include "proxy/net/timer_wheel.h"
#include "proxy/session/policy.h"

namespace postigo {

class Session;

class Gate {
 public:
  enum class Answer : uint8_t {
    pass,
    wait,        // `opened` is called later, and next() tells then
    refused,     // as one who guesses
    busy,        // too many of his address are under way, none of them a guess so far
    not_wanted,  // the policy server says no
    away,        // it says nothing, and is to be heard
  };

  // `opened(owner)`: the waiting is over.
  Gate(Session& session, void (*opened)(void*), void* owner);
  ~Gate();

  Answer knock(std::string_view user, std::string_view secret);  // an attempt begins
  Answer knock_again(std::string_view user);                     // its password was right; whose it is
  Answer next();  // after the waiting. REQUIRES: one of these said `wait`
  // What became of an attempt; nothing if none has passed. `secret`: what was tried.
  // `tried`: it got as far as somebody who could judge it, or waited for nothing but its turn.
  void refused(Refused reason, std::string_view secret, bool tried);
  void succeeded();

  uint64_t delayed_ms() const { return delayed_ms_; }  // the newest attempt, on purpose
  uint64_t told_ms() const { return told_ms_; }        // from its beginning on: a refusal is told no earlier

 private:
  // What is waited for.
  enum class Step : uint8_t { nothing, turn, penalty, policy, tarpit };

  Answer queue();
  Answer pause(Step step, uint64_t wait_ms);
  Answer ask_policy(bool after);
  Answer heard();
  void report(std::string_view fail_type, bool policy_reject);
  template <typename End>
  void settle(End&& end);

  Session& session_;
  void (*opened_)(void*);
  void* owner_;
  Timer timer_;
  std::string user_;
  Guesses::Attempt attempt_;
  // Of the policy server; null: none is to be asked about this attempt.
  struct Asked {
    std::shared_ptr<Policy> policy;
    Policy::Login login;
    Policy::Answer answer;
    Ticket ticket;
  };
  std::unique_ptr<Asked> asked_;
  uint64_t began_ms_ = 0, delayed_ms_ = 0, told_ms_ = 0;
  Step step_ = Step::nothing;
};

}  // namespace postigo
