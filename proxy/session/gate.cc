// Waiting. Not here: for how long (backends/ledger/penalty), and what a refusal says (login.cc).
#include "proxy/session/gate.h"

#include "proxy/session/host.h"
#include "proxy/session/session.h"

namespace postigo {

Gate::Gate(Session& session, void (*opened)(void*), void* owner) : session_(session), timer_(opened, owner) {}

Gate::~Gate() { timer_.cancel(); }

Gate::Answer Gate::knock(std::string_view user) {
  waited_ms_ = told_ms_ = 0;
  attempt_ = {};
  if (!session_.snapshot().penalty.enabled) return Answer::pass;
  user_ = user;
  began_ms_ = session_.host().loop().now_ms();
  return begin();
}

Gate::Answer Gate::begin() {
  const uint64_t now_ms = session_.host().loop().now_ms();
  const PenaltyRules& rules = session_.snapshot().penalty;
  waited_ms_ = now_ms - began_ms_;
  attempt_ = session_.host().penalties().begin(rules, {session_.summary().client.octets(), user_}, now_ms);
  told_ms_ = waited_ms_ + attempt_.told_ms;
  if (attempt_.turn == Penalties::Attempt::Turn::refused) return Answer::refused;
  const uint64_t end_ms = waited_ms_ + attempt_.wait_ms;
  bool too_long = attempt_.wait_ms >= session_.login_ms_left();
  if (attempt_.turn == Penalties::Attempt::Turn::again && (too_long || end_ms > rules.address.max_ms))
    return Answer::busy;
  if (too_long && attempt_.wait_ms > 0) {
    settle([](auto& penalties, auto&&... with) { penalties.taken_back(with...); });
    return Answer::refused;
  }
  if (attempt_.wait_ms == 0) return Answer::pass;
  session_.host().loop().timers().arm(timer_, attempt_.wait_ms);
  return Answer::wait;
}

Gate::Answer Gate::next() {
  if (attempt_.turn == Penalties::Attempt::Turn::again) return begin();
  waited_ms_ = session_.host().loop().now_ms() - began_ms_;
  return Answer::pass;
}

template <typename End>
void Gate::settle(End&& end) {
  timer_.cancel();
  if (attempt_.charged == 0) return;
  const Guest guest{session_.summary().client.octets(), user_};
  end(session_.host().penalties(), session_.snapshot().penalty, guest, attempt_, session_.host().loop().now_ms());
  attempt_.charged = 0;
}

// Who leaves before he was answered has tried as well: else leaving would be free.
void Gate::refused(Refused reason, std::string_view secret) {
  bool guess = facts_of(reason).guess || reason == Refused::aborted;
  settle([&](Penalties& penalties, const PenaltyRules& rules, const Guest& guest_, const Penalties::Attempt& attempt,
             uint64_t now_ms) {
    if (guess) return penalties.failed(rules, guest_, attempt, secret, now_ms);
    penalties.taken_back(rules, guest_, attempt, now_ms);
  });
}

void Gate::succeeded() {
  settle([](auto& penalties, auto&&... with) { penalties.succeeded(with...); });
}

}  // namespace postigo
