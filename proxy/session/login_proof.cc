// What stands behind a name: a password that a directory checks, a secret that the mechanism has checked, a token, a
// certificate; and who may act as whom. Not here: the mechanisms (parser/sasl), the rules (backends/impersonation).
#include <algorithm>

#include "backends/impersonation.h"
#include "proxy/session/host.h"
#include "proxy/session/login.h"
#include "proxy/session/naming.h"
#include "proxy/session/session.h"

namespace postigo {

Want Login::want_for(Proof proof) {
  switch (proof) {
    case Proof::token:
      return Want::token;
    case Proof::certificate:
    case Proof::anonymous:
      return Want::account;
    case Proof::password:
    case Proof::proven:
    case Proof::rejected:
      break;
  }
  return Want::verdict;
}

// The mechanism goes on with what is kept of him, or with nothing, in the same way (A21). What is known of him waits
// until he has proven that he is it.
void Login::supply(LookupResult&& result) {
  unproven_ = result.verdict == Verdict::ok ? Verdict::bad_credentials : result.verdict;
  if (result.verdict != Verdict::ok) result.secret = {.decoy = result.secret.decoy};
  identity_ = std::move(result.identity);
  exchanging_ = true;
  session_.enter(Phase::command, session_.login_ms_left());
  front_->credentials().user = claimed_;  // a stranger's salt must be as blind to spellings as a user's is (A21)
  Event event = front_->supply(result.secret, out_);
  flush();
  if (session_.closing()) return;
  write_step(session_.summary(), "client", front_->state_name(), event, front_->commands());
  if (event == Event::authenticate) return judge();
  if (event == Event::hang_up) return session_.close(CloseReason::too_many_errors);
  if (event == Event::abandoned) {
    exchanging_ = false;
    count_refused(Refused::aborted, {});
  }
  go_on();
}

void Login::judge() {
  exchanging_ = false;
  const Credentials& credentials = front_->credentials();
  const bool proven = credentials.possible && credentials.proof == Proof::proven;
  // The time that a "no" takes counts from the proof, and not from the name; a penalty counts once, from the name.
  if (!proven || identity_.disabled) {
    served_ms_ = (clock_us() - attempt_start_us_) / 1000;
    attempt_start_us_ = clock_us();
  }
  if (proven) {
    if (identity_.disabled) return refuse_as(Verdict::disabled, {}, identity_.barred);
    session_.enter(Phase::lookup, session_.login_ms_left());
    return identify();
  }
  refuse_as(unproven_);
}

// A directory, or the mechanism with what it keeps, has said who he is: identity_ is the client's own.
void Login::identify() {
  const Router& router = *session_.snapshot().router;
  const std::string& name = identity_.user;
  if (want_ == Want::token) {
    if (name.empty() && claimed_.empty()) return refuse_as(Verdict::no_such_user);
    if (!be_called(identity_, claimed_, Spelling::dropped, router)) return refuse_as(Verdict::no_such_user);
    if (!claimed_.empty() && claimed_ != name) acting_as_ = claimed_;  // the token is another's than the name
    claimed_ = name;
    if (!may_act()) return refuse({Refusal::Kind::authorization_failed, {}}, Refused::not_allowed);
  }
  if (!be_called(identity_, claimed_, Spelling::kept, router)) return refuse_as(Verdict::no_such_user);
  identity_.verified = identity_.verified || (want_ != Want::verdict && !unjudged_);  // proven here
  // Who issues tokens seldom knows where mailboxes are, and who may not come in any more.
  const bool placed = !identity_.pool.empty() || !identity_.shard.empty() || !identity_.backend.empty();
  asks_himself_ = want_ == Want::token && (!placed || !acting_as_.empty());
  if (asks_himself_) return ask_account(claimed_);
  if (acting_as_.empty()) return known();
  ask_account(acting_as_);
}

// Nobody here knows whose the token is, but a backend may; it must be told for whom.
bool Login::backend_judges(const LookupResult& result) const {
  const auto& all = session_.snapshot().live.backends;
  return want_ == Want::token && result.verdict == Verdict::no_such_user && !claimed_.empty() &&
         std::any_of(all.begin(), all.end(), [](const config::Backend& each) { return each.forward_tokens; });
}

void Login::ask_account(const std::string& name) {
  identified_ = true;
  ask(question(name, Want::account));
}

bool Login::may_act() const {
  const auto& rules = session_.snapshot().live.auth.impersonation;
  return acting_as_.empty() || may_act_as(rules, claimed_, acting_as_);
}

void Login::found_other(LookupResult&& result) {
  identified_ = false;
  if (result.verdict == Verdict::unusable) return refuse_as(result.verdict);
  if (asks_himself_) return found_himself(std::move(result));
  // Who has proven who he is may learn that there is nobody; of others only their backend knows who they are.
  if (result.verdict != Verdict::ok && !identity_.verified) return refuse_as(Verdict::no_such_user);
  if (result.verdict != Verdict::ok) return refuse({Refusal::Kind::authorization_failed, {}}, Refused::not_allowed);
  if (!take(std::move(result.identity), acting_as_)) return refuse_as(Verdict::no_such_user);
  known();
}

// Where others than the issuer of his token know him; they need not.
void Login::found_himself(LookupResult&& result) {
  asks_himself_ = false;
  if (result.verdict != Verdict::ok && (result.verdict != Verdict::no_such_user || unjudged_)) {
    return refuse_as(result.verdict, {}, result.identity.barred);
  }
  if (result.verdict == Verdict::ok && !take(std::move(result.identity), claimed_)) {
    return refuse_as(Verdict::no_such_user);
  }
  if (acting_as_.empty()) return known();
  ask_account(acting_as_);
}

bool Login::take(Identity&& identity, const std::string& name) {
  const bool verified = identity_.verified;
  identity_ = std::move(identity);
  identity_.verified = verified;
  return be_called(identity_, name, Spelling::kept, *session_.snapshot().router);
}

}  // namespace postigo
