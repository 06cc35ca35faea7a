// The login's steps in order. Not here: the wording (parser's front dialogues), passwords (backends/directory), the
// backend's side (upstream.cc), what stands behind a name if it is no password (login_proof.cc), the way from a known
// user to his backend (login_backend.cc), how an attempt is refused (login_refusal.cc).
#include "proxy/session/login.h"

#include <algorithm>
#include <utility>

#include "parser/base/limits.h"
#include "proxy/base/events.h"
#include "proxy/session/circumstances.h"
#include "proxy/session/host.h"
#include "proxy/session/session.h"
#include "proxy/session/told.h"

namespace postigo {
namespace {

size_t mechanism_index(std::string_view name) {
  auto found = std::find(kMechanismNames.begin(), kMechanismNames.end(), name);
  return std::min(static_cast<size_t>(found - kMechanismNames.begin()), kMechanismNames.size() - 1);
}

const FrontPolicy& policy_of(Session& session) {
  const Summary& summary = session.summary();
  return session.frontend().policy_towards(peer_of(summary), summary.client);
}

}  // namespace

Login::Login(Session& session)
    : Stage(session),
      facts_(session),
      front_(session.frontend().protocol->make_front(policy_of(session), session.secure(), facts_)),
      again_([](void* self) { static_cast<Login*>(self)->find_backend(); }, this),
      gate_(
          session, [](void* self) { static_cast<Login*>(self)->pass(static_cast<Login*>(self)->gate_.next()); }, this),
      delay_([](void* self) { static_cast<Login*>(self)->refuse_now(); }, this),
      speaks_(policy_of(session).peer_speaks) {}

// The end of a turn is where it goes: what its calls have left on the stack lies below.
Login::~Login() { wipe_stack(); }

void Login::sum_up(Summary& summary) const {
  summary.state = upstream_ != nullptr ? upstream_->state_name() : front_->state_name();
  summary.commands = front_->commands();
}

void Login::flush() {
  if (!out_.empty()) session_.client()->send(out_.view());
  out_.clear();
  if (out_.overflowed()) overflowed("a reply");
}

// What was to be said does not fit in Out: a bug, or lists in the configuration that nobody should write. It was
// dropped whole, so that there is room for a good-bye between two replies.
void Login::overflowed(const char* what) {
  if (session_.closing()) return;
  log::write(events::overflow, {{"id", session_.summary().id}, {"detail", what}});
  Out words;
  front_->farewell(Farewell::internal_error, words);
  session_.client()->send(words.view());
  session_.close(CloseReason::internal_error, what);
}

void Login::start() {
  front_->open(out_);
  flush();
}

void Login::secured() { front_->tls_established(); }

void Login::received(Bytes data) {
  input_.append(data);
  run();
  session_.count_memory();
}

void Login::run() {
  while (!suspended_ && !input_.empty() && step()) {
  }
  if (client_ended_ && !suspended_ && !session_.closing()) session_.close(CloseReason::client_closed);
}

bool Login::step() {
  Step step = front_->feed(input_.view(), out_);
  input_.consume(step.consumed);
  flush();
  if (session_.closing()) return false;
  if (step.consumed > 0) {
    write_step(session_.summary(), "client", front_->state_name(), step.event, front_->commands());
  }
  switch (step.event) {
    case Event::start_tls:
      session_.start_tls(input_.view());
      input_.consume(input_.size());
      return false;
    case Event::authenticate:
    case Event::secret:
      attempt(step.event);
      return false;
    case Event::abandoned:
      exchanging_ = false;
      count_refused(Refused::aborted, {});
      return true;
    case Event::hang_up:
      session_.close(front_->said_quit() ? CloseReason::logout : CloseReason::too_many_errors);
      return false;
    default:
      return step.consumed > 0;
  }
}

void Login::client_ended() {
  client_ended_ = true;  // half-closed: what it sent before is still answered (T58)
  run();
}

// Not fed until it is answered; what the client sends ahead waits with the kernel, which makes it wait.
void Login::suspend() {
  suspended_ = true;
  session_.client()->pause(Pause::attempt);
}

void Login::attempt(Event event) {
  if (!admit_told()) return;
  suspend();
  if (exchanging_) return judge();
  const Credentials& credentials = front_->credentials();
  attempt_start_us_ = clock_us();
  served_ms_ = 0;
  mechanism_ = mechanism_index(credentials.mechanism);
  want_ = event == Event::secret ? Want::secret : want_for(credentials.proof);
  Summary& summary = session_.summary();
  summary.mechanism = kMechanismNames[mechanism_];
  summary.delayed_ms = 0;
  known_ = unjudged_ = false;
  const bool possible = name_client(credentials) && credentials.possible;
  if (!summary.trace) summary.trace = session_.host().traces().of_user(summary.user, summary.id);
  if (hops_left() == 0) return refuse({Refusal::Kind::unavailable, {}}, Refused::loop);
  if (!possible) return refuse({Refusal::Kind::bad_credentials, {}}, Refused::wrong);
  // Dropping the wish silently would be worse (T24).
  if (!may_act()) return refuse({Refusal::Kind::authorization_failed, {}}, Refused::not_allowed);
  if (too_often()) return refuse({Refusal::Kind::unavailable, {}}, Refused::rate_limit);
  pass(gate_.knock(summary.user, credentials.password.reveal()));
}

// False: no login has such a name, as he says, or as he wants to act as; then the log tells what he wrote.
bool Login::name_client(const Credentials& credentials) {
  const Router& router = *session_.snapshot().router;
  const bool nobody = credentials.proof == Proof::anonymous;
  auto name = nobody ? session_.snapshot().live.auth.anonymous_user : router.normalise(credentials.user);
  auto other = router.normalise(credentials.authzid);
  session_.summary().user = std::move(name).value_or(credentials.user);
  claimed_.assign(session_.summary().user);
  acting_as_ = std::move(other).value_or(credentials.authzid);
  if (acting_as_ == claimed_) acting_as_.clear();
  return name.has_value() && other.has_value();
}

// With the first attempt: until then the proxy may say for whom it speaks.
bool Login::admit_told() {
  if (!std::exchange(speaks_, false)) return true;
  if (front_->told() != nullptr) note_told(session_.summary(), *front_->told());
  if (session_.admit_told()) return true;
  farewell(Farewell::too_many_connections);
  session_.close(CloseReason::address_limit);
  return false;
}

bool Login::too_often() {
  return session_.reached(session_.host().limiter().try_login(session_.snapshot().limits, session_.frontend().name,
                                                              session_.summary().client.octets(),
                                                              session_.host().loop().now_ms()));
}

void Login::pass(Gate::Answer answer) {
  session_.summary().delayed_ms = static_cast<unsigned>(gate_.delayed_ms());
  switch (answer) {
    case Gate::Answer::pass:
      if (known_) return find_backend();
      if (gate_.delayed_ms() != 0) session_.host().stats().logins_delayed.inc();
      return look_up();
    case Gate::Answer::wait:
      return;
    case Gate::Answer::refused:
      return refuse({Refusal::Kind::bad_credentials, {}}, Refused::penalty);
    case Gate::Answer::busy:
      return refuse({Refusal::Kind::unavailable, {}}, Refused::busy);
    case Gate::Answer::not_wanted:
      return refuse({Refusal::Kind::bad_credentials, {}}, Refused::policy);
    case Gate::Answer::away:
      return refuse({Refusal::Kind::unavailable, {}}, Refused::policy_away);
  }
}

void Login::look_up() {
  stranded_ = false;
  Query query = question(session_.summary().user, want_);
  query.password = front_->credentials().password;
  ask(query);
}

Query Login::question(const std::string& user, Want want) {
  Query query;
  query.user = user;
  query.mechanism = front_->credentials().mechanism;
  query.protocol = session_.frontend().protocol->name;
  query.listener = session_.frontend().name;
  query.client_ip = session_.summary().client.host();
  query.want = want;
  query.circumstances = circumstances_of(session_);
  return query;
}

void Login::ask(const Query& query) {
  session_.enter(Phase::lookup, std::min(session_.limits().lookup_timeout_ms, session_.login_ms_left()));
  lookup_start_us_ = clock_us();
  lookup_.emplace([this](LookupResult&& result) { looked_up(std::move(result)); });
  session_.host().directory().start(*lookup_, query);
}

void Login::looked_up(LookupResult&& result) {
  ProtocolStats& numbers = session_.host().stats().protocols[session_.frontend().protocol_index];
  numbers.lookup_seconds.observe_us(clock_us() - lookup_start_us_);
  numbers.lookups[static_cast<size_t>(result.verdict)].inc();
  if (result.verdict == Verdict::try_later) return directory_failed(result.detail);
  session_.host().fleet().directories().served(session_.host().loop().now_ms());
  if (!result.detail.empty()) {
    log::write(result.verdict == Verdict::unusable ? events::entry_unusable : events::lookup,
               {{"id", session_.summary().id}, {"detail", result.detail}});
  }
  if (identified_) return found_other(std::move(result));
  if (want_ == Want::secret) return supply(std::move(result));
  unjudged_ = backend_judges(result);
  if (unjudged_) result.identity = {};
  if (result.verdict != Verdict::ok && !unjudged_) {
    return refuse_as(result.verdict, std::move(result.token_error), result.identity.barred);
  }
  identity_ = std::move(result.identity);
  identify();
}

void Login::upstream_ready(SocketPtr socket, BackDialogue& back, Bytes leftover) {
  gate_.succeeded();
  if (!seat_user()) return;
  count(AuthResult::ok);
  suspended_ = false;
  session_.summary().authenticated = true;
  ProtocolStats& numbers = session_.host().stats().protocols[session_.frontend().protocol_index];
  uint64_t took_us = clock_us() - attempt_start_us_;
  numbers.login_seconds.observe_us(took_us);
  sample(session_.summary(), session_.snapshot().samples);
  write_login(session_.summary(), session_.client(), *socket, static_cast<double>(took_us) / 1e6,
              acting_as_.empty() ? std::string_view() : claimed_);
  if (!back.capabilities().empty()) numbers.rewrites[static_cast<size_t>(Rewrite::login)].inc();
  for (const std::string& text : back.alerts()) front_->alert(text, out_);
  front_->accept(back.capabilities(), out_);
  flush();
  if (session_.closing()) return;
  session_.client()->pause(Pause::attempt, false);
  session_.begin_relay(std::move(socket), upstream_->state(), back.capabilities(), input_.view(), leftover,
                       client_ended_);
}

void Login::deadline() {
  switch (session_.phase()) {
    case Phase::lookup:
      if (seat_) return refuse({Refusal::Kind::unavailable, {}}, waits_for_);
      if (known_) break;  // the policy server, or its delay, took what was left
      lookup_.reset();
      return directory_failed("no answer within lookup_timeout");
    case Phase::connect:
    case Phase::backend_tls:
    case Phase::backend_login:
      return upstream_->deadline();
    default:
      break;
  }
  farewell(Farewell::idle_too_long);
  session_.close(CloseReason::login_timeout);
}

void Login::farewell(Farewell why) {
  front_->farewell(why, out_);
  flush();
}

}  // namespace postigo
