// Candidates in order. Not here: which candidates (backends/router), how one is reached (dialer.cc).
#include "proxy/session/upstream.h"

#include <algorithm>

#include "proxy/base/events.h"
#include "proxy/session/binding.h"
#include "proxy/session/host.h"
#include "proxy/session/proxy_header.h"
#include "proxy/session/session.h"

namespace postigo {

Upstream::Upstream(Client& client, Session& session, Route route, BackLogin login)
    : client_(client), session_(session), route_(std::move(route)), login_(std::move(login)) {}

BackendStats& Upstream::stats() { return session_.host().stats().backends[backend_->state->slot]; }

void Upstream::start() { try_candidate(); }

void Upstream::abandon() {
  if (dialer_ != nullptr) dialer_->abandon();
  seat_.release();
}

void Upstream::try_candidate() {
  backend_ = &session_.snapshot().backend(route_.candidates[candidate_]->name);
  session_.summary().backend = backend().name;
  session_.summary().shard = route_.shard;
  bool follows = state().wanted == Wanted::drain && is_at(session_, state());
  if (!takes_logins(state().wanted) && !follows) return give_up(BackendError::taken_out, "taken out of service");
  seat_ = session_.host().places().take(state());
  if (!seat_) return give_up(BackendError::full, "too many logins are under way there");
  Host& host = session_.host();
  dialer_ = std::make_unique<Dialer>(*this, Dialer::Means{host.loop(), host.resolver(), stats()}, *backend_,
                                     *session_.frontend().protocol);
  dialer_->start();
}

void Upstream::dial_entered(Phase phase) {
  bool connecting = phase == Phase::connect;
  if (phase == Phase::backend_login && dialer_->socket()->tls() != nullptr) session_.summary().backend_tls = true;
  uint64_t limit_ms = session_.limits().backend_connect_timeout_ms;
  session_.enter(phase, connecting ? std::min(limit_ms, session_.login_ms_left()) : ms_left());
}

uint64_t Upstream::ms_left() const {
  uint64_t limit_ms = session_.limits().backend_login_timeout_ms;
  uint64_t passed_ms = session_.host().loop().now_ms() - dialer_->connected_ms();
  return std::min(passed_ms < limit_ms ? limit_ms - passed_ms : 0, session_.login_ms_left());
}

Dialer::Words Upstream::dial_words() {
  Dialer::Words words{"", login_, false};
  words.login.nonce = session_.host().next_nonce();
  if (backend().trusted && session_.client() != nullptr) {  // only then is it said, and it costs a system call
    Address local = local_address(session_.summary(), *session_.client());
    words.login.facts.local_ip = local.host();
    words.login.facts.local_port = local.port();
    words.login.facts.local_name = name_asked_for(session_.summary(), *session_.client());
  }
  if (backend().proxy_protocol != config::SendProxyHeader::off) {
    words.proxy_header =
        proxy_header(backend().proxy_protocol, session_.summary(), session_.client(), login_.facts.hops_left);
  }
  return words;
}

void Upstream::dial_stepped(std::string_view state, Event event) {
  write_step(session_.summary(), "backend", state, event, 0);
}

void Upstream::dialed(SocketPtr socket, Bytes leftover) {
  if (session_.bond() != nullptr && !session_.bond()->settle()) {
    return give_up(BackendError::moved, "another login of the user went to another backend meanwhile");
  }
  seat_.release();
  outage().served(session_.host().loop().now_ms());
  client_.upstream_ready(std::move(socket), *dialer_->back(), leftover);
}

// The master's password is not the user's: where it is refused for somebody whom we verified, he is not to blame. What
// the backend says about his mailbox is for him, though.
void Upstream::dial_refused() {
  const BackendReply& reply = dialer_->back()->reply();
  Refusal::Kind kind = session_.frontend().protocol->refusal_for(reply).kind;
  bool of_the_login = kind == Refusal::Kind::bad_credentials || kind == Refusal::Kind::authorization_failed;
  if (login_.master && of_the_login) {
    return give_up(BackendError::master_refused, "the master login was refused: [" + reply.code + "] " + reply.text);
  }
  dialer_->abandon();
  seat_.release();
  outage().served(session_.host().loop().now_ms());
  log::write_bounded(
      events::backend_refused,
      {{"id", session_.summary().id}, {"backend", backend().name}, {"code", reply.code}, {"detail", reply.text}});
  client_.upstream_refused(reply, alerts());
}

std::vector<std::string> Upstream::alerts() const {
  if (dialer_ == nullptr || dialer_->back() == nullptr) return {};
  return {dialer_->back()->alerts().begin(), dialer_->back()->alerts().end()};
}

void Upstream::deadline() { dialer_->deadline(); }

void Upstream::tell(BackendError error, const std::string& why) {
  stats().errors[static_cast<size_t>(error)].inc();
  log::Fields how = {{"id", session_.summary().id},
                     {"backend", backend().name},
                     {"error", kBackendErrorFacts[static_cast<size_t>(error)].name},
                     {"state", state_name()},
                     {"detail", why}};
  if (error == BackendError::master_refused) {  // for an operator to mend; the others pass
    log::write(events::master_refused, how);
  } else if (error != BackendError::taken_out && error != BackendError::moved) {  // which are no news to operators
    outage().failed(session_.host().loop().now_ms(), how);
    log::write(events::backend_failed, how);
  }
}

void Upstream::give_up(BackendError error, const std::string& why) {
  tell(error, why);
  std::string failure = backend().name + ": " + why;
  std::vector<std::string> for_the_user = alerts();
  abandon();
  session_.host().loop().bury(std::move(dialer_));  // it may be the caller
  bool late = session_.login_ms_left() == 0 || ++tries_ >= route_.candidates.size();
  std::optional<size_t> next = late ? std::nullopt : next_candidate(session_, route_, candidate_);
  if (!next) return client_.upstream_unavailable(error, failure, std::move(for_the_user));
  candidate_ = *next;
  session_.host().stats().retries.inc();
  try_candidate();
}

}  // namespace postigo
