// How an attempt is refused: why, when it is told, and what of it is counted. Not here: the wording (parser's front
// dialogues), and the steps before (login.cc).
#include <algorithm>

#include "parser/login/attempts.h"
#include "proxy/base/events.h"
#include "proxy/session/host.h"
#include "proxy/session/login.h"
#include "proxy/session/refused_by.h"
#include "proxy/session/session.h"

namespace postigo {
void Login::directory_failed(std::string_view why) {
  log::Fields how = {{"id", session_.summary().id}, {"detail", why}};
  session_.host().fleet().directories().failed(session_.host().loop().now_ms(), how);
  log::write(events::lookup_failed, how);
  refuse({Refusal::Kind::unavailable, {}}, Refused::directory_away);
}

void Login::refuse_as(Verdict verdict, std::string token_error, Barred why) {
  const Refused reason = refused_by(verdict, why);
  // All in the words of a wrong password, but for our own fault, and for him whose mail is on its way.
  const bool later = reason == Refused::on_hold || reason == Refused::entry_unusable;
  if (later) return refuse({Refusal::Kind::unavailable, {}}, reason);
  refuse({Refusal::Kind::bad_credentials, {}, std::move(token_error)}, reason);
}

void Login::upstream_refused(const BackendReply& reply, std::vector<std::string> alerts) {
  alerts_ = std::move(alerts);
  Refusal refusal = session_.frontend().protocol->refusal_for(reply);
  refusal.token_error = reply.token_error;
  Refused reason = refused_by(refusal);
  refuse(std::move(refusal), reason, reply.code);
}

void Login::upstream_unavailable(BackendError error, const std::string& why, std::vector<std::string> alerts) {
  if (strand(error)) return;
  alerts_ = std::move(alerts);
  session_.summary().detail = why;
  refuse({Refusal::Kind::unavailable, {}}, refused_by(error));
}

void Login::refuse(Refusal refusal, Refused reason, std::string_view code) {
  count_refused(reason, code);
  exchanging_ = identified_ = asks_himself_ = false;
  seat_.release();
  again_.cancel();
  session_.unseat_user();
  session_.bond().reset();
  refusal_ = std::move(refusal);
  if (Attempts::is_failure(refusal_.kind)) ++session_.summary().failures;
  // A "no" takes the same time whoever says it and for whatever reason (A22). "Not now" and "our fault" are told at
  // once: they say nothing about a name. An unusable entry does.
  AuthResult result = facts_of(reason).result;
  bool at_once =
      (result == AuthResult::unavailable || result == AuthResult::error) && reason != Refused::entry_unusable;
  uint64_t passed_ms = (clock_us() - attempt_start_us_) / 1000;
  uint64_t told_ms = gate_.told_ms() - std::min(gate_.told_ms(), served_ms_);
  uint64_t floor_ms = session_.limits().auth_failure_delay_ms + told_ms;
  uint64_t delay_ms = !at_once && passed_ms < floor_ms ? floor_ms - passed_ms : 0;
  session_.enter(Phase::command, session_.login_ms_left());
  session_.host().loop().timers().arm(delay_, delay_ms);
}

void Login::refuse_now() {
  lookup_.reset();
  suspended_ = false;  // the attempt is over and counted, also if this ends the session
  session_.host().loop().bury(std::move(upstream_));
  for (const std::string& text : alerts_) front_->alert(text, out_);
  alerts_.clear();
  Event event = front_->refuse(refusal_, out_);
  flush();
  if (session_.closing()) return;
  if (event == Event::hang_up) return session_.close(CloseReason::too_many_errors);
  go_on();
}

void Login::go_on() {
  lookup_.reset();
  suspended_ = false;
  session_.client()->pause(Pause::attempt, false);
  run();
  session_.count_memory();
}

void Login::abandon() {
  if ((suspended_ || exchanging_) && !delay_.armed()) count_refused(Refused::aborted, {});
  delay_.cancel();
  again_.cancel();
  seat_.release();
  lookup_.reset();
  if (upstream_ != nullptr) upstream_->abandon();
}

void Login::count(AuthResult result) {
  auto& attempts = session_.host().stats().protocols[session_.frontend().protocol_index].auth;
  attempts[mechanism_][static_cast<size_t>(result)].inc();
}

void Login::count_refused(Refused reason, std::string_view code) {
  bool on_hold = static_cast<bool>(seat_);
  // A proof is another one each time, whether the password behind it is the same or not: each counts (A23).
  const Credentials& credentials = front_->credentials();
  bool proof = want_ == Want::secret && credentials.proof != Proof::proven;
  std::string guess(proof ? facts_.unique() : std::string());
  gate_.refused(reason, proof ? Bytes(guess) : credentials.password.reveal(), !on_hold);
  count(facts_of(reason).result);
  session_.host().stats().protocols[session_.frontend().protocol_index].refused[static_cast<size_t>(reason)].inc();
  ++session_.summary().refused;
  write_refused(session_.summary(), reason, upstream_ != nullptr ? session_.summary().backend : "", code);
}

}  // namespace postigo
