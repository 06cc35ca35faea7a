// Waiting. Not here: for how long (backends/ledger/penalty), what is asked (policy.cc), and what a refusal says
// (login.cc).
#include "proxy/session/gate.h"

#include "proxy/session/host.h"
#include "proxy/session/session.h"

namespace postigo {

Gate::Gate(Session& session, void (*opened)(void*), void* owner)
    : session_(session), opened_(opened), owner_(owner), timer_(opened, owner) {}

Gate::~Gate() { timer_.cancel(); }

Gate::Answer Gate::knock(std::string_view user, std::string_view secret) {
  delayed_ms_ = told_ms_ = 0;
  attempt_ = {};
  asked_.reset();
  step_ = Step::nothing;
  began_ms_ = session_.host().loop().now_ms();
  if (const std::shared_ptr<Policy>& policy = session_.host().policy()) {
    const Summary& summary = session_.summary();
    asked_ = std::make_unique<Asked>();
    asked_->policy = policy;
    asked_->login = {.user = std::string(user),
                     .remote = summary.client.host(),
                     .protocol = std::string(session_.frontend().protocol->name),
                     .session_id = std::string(summary.id.view()),
                     .tls = session_.secure(),
                     .pwhash = policy->hash(user, secret)};
  }
  if (!session_.snapshot().penalty.enabled) return ask_policy(false);
  // A token may come without a name: then it is the address that tries.
  user_ = user.empty() ? session_.summary().client.host() : std::string(user);
  return queue();
}

Gate::Answer Gate::knock_again(std::string_view user) {
  if (asked_ != nullptr) asked_->login.user = user;
  return ask_policy(true);
}

Gate::Answer Gate::queue() {
  using At = Guesses::Attempt::Turn;
  const uint64_t now_ms = session_.host().loop().now_ms();
  const PenaltyRules& rules = session_.snapshot().penalty;
  const uint64_t waited_ms = now_ms - began_ms_;
  attempt_ = session_.host().guesses().begin(rules, {session_.summary().client.octets(), user_}, now_ms);
  told_ms_ = waited_ms + attempt_.told_ms;
  if (attempt_.turn == At::refused) return Answer::refused;
  const uint64_t wait_ms = attempt_.wait_ms;
  bool too_long = wait_ms >= session_.login_ms_left();
  if (attempt_.turn == At::again) {
    bool patient = !too_long && waited_ms + wait_ms <= rules.address.max_ms;
    return patient ? pause(Step::turn, wait_ms) : Answer::busy;
  }
  if (wait_ms == 0) return ask_policy(false);
  if (!too_long) return pause(Step::penalty, wait_ms);
  settle([](auto& guesses, auto&&... with) { guesses.taken_back(with...); });
  return Answer::refused;
}

Gate::Answer Gate::pause(Step step, uint64_t wait_ms) {
  step_ = step;
  delayed_ms_ += wait_ms;
  session_.host().loop().timers().arm(timer_, wait_ms);
  return Answer::wait;
}

Gate::Answer Gate::next() {
  switch (step_) {
    case Step::turn:
      return queue();
    case Step::penalty:
      return ask_policy(false);
    case Step::policy:
      step_ = Step::nothing;
      return heard();
    default:
      return Answer::pass;
  }
}

Gate::Answer Gate::ask_policy(bool after) {
  if (asked_ == nullptr) return Answer::pass;
  const config::Policy& settings = asked_->policy->settings();
  if (after ? !settings.after : !settings.before) return Answer::pass;
  step_ = Step::policy;
  asked_->ticket = asked_->policy->allow(asked_->login, [this](Policy::Answer answer) {
    asked_->answer = answer;
    opened_(owner_);
  });
  return Answer::wait;
}

Gate::Answer Gate::heard() {
  const Policy::Answer answer = asked_->answer;
  switch (answer.verdict) {
    case PolicyAnswer::refused:
      return Answer::not_wanted;
    case PolicyAnswer::failed:
      return Answer::away;
    case PolicyAnswer::delayed:
      if (answer.delay_ms >= session_.login_ms_left()) return Answer::not_wanted;
      return pause(Step::tarpit, answer.delay_ms);
    case PolicyAnswer::allowed:
      break;
  }
  return Answer::pass;
}

template <typename End>
void Gate::settle(End&& end) {
  timer_.cancel();
  if (attempt_.charged == 0) return;
  const Guest guest{session_.summary().client.octets(), user_};
  end(session_.host().guesses(), session_.snapshot().penalty, guest, attempt_, session_.host().loop().now_ms());
  attempt_.charged = 0;
}

void Gate::report(std::string_view fail_type, bool policy_reject) {
  if (asked_ == nullptr || !asked_->policy->settings().report) return;
  asked_->policy->report(asked_->login, fail_type, policy_reject);
  asked_.reset();
}

// Who leaves before he was answered has tried as well: else leaving would be free. Not so while he waits for something
// of ours that fails or takes its time (the policy server; a hold): that is no fault of his.
void Gate::refused(Refused reason, std::string_view secret, bool tried) {
  bool left = reason == Refused::aborted && tried && step_ != Step::policy;
  bool guess = facts_of(reason).guess || left;
  settle([&](Guesses& guesses, const PenaltyRules& rules, const Guest& who, const Guesses::Attempt& attempt,
             uint64_t now_ms) {
    if (guess) return guesses.failed(rules, who, attempt, secret, now_ms);
    guesses.taken_back(rules, who, attempt, now_ms);
  });
  if (reason == Refused::policy) return report("policy", true);
  if (facts_of(reason).guess) return report(reason == Refused::disabled ? "disabled" : "credentials", false);
  asked_.reset();
}

void Gate::succeeded() {
  settle([](auto& guesses, auto&&... with) { guesses.succeeded(with...); });
  report({}, false);
}

}  // namespace postigo
