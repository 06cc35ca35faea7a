// Candidates in order. Not here: which candidates (backends/router), what is said to them (parser's back dialogues).
#include "proxy/session/upstream.h"

#include <algorithm>
#include <cerrno>

#include "proxy/base/events.h"
#include "proxy/session/host.h"
#include "proxy/session/proxy_header.h"
#include "proxy/session/session.h"

namespace postigo {
namespace {

uint64_t now_us() { return uv_hrtime() / 1000; }

BackPolicy policy_for(const config::Backend& backend) {
  BackPolicy policy;
  policy.tls = backend.tls.mode == config::Tls::off        ? BackPolicy::Tls::off
               : backend.tls.mode == config::Tls::starttls ? BackPolicy::Tls::starttls
                                                           : BackPolicy::Tls::implicit;
  policy.forward_client = backend.trusted;
  policy.proxy_header = backend.proxy_protocol != config::SendProxyHeader::off;
  policy.alerts = backend.pass_alerts  ? BackPolicy::Alerts::always
                  : backend.tls.verify ? BackPolicy::Alerts::under_tls
                                       : BackPolicy::Alerts::never;
  return policy;
}

}  // namespace

Upstream::Upstream(Client& client, Session& session, Route route, BackLogin login)
    : client_(client), session_(session), route_(std::move(route)), login_(std::move(login)) {}

BackendStats& Upstream::stats() { return session_.host().stats().backends[backend_->state->slot]; }

void Upstream::start() { try_candidate(); }

void Upstream::abandon() {
  resolving_.cancel();
  socket_.reset();
  seat_.release();
}

void Upstream::try_candidate() {
  uint64_t limit_ms = session_.limits().backend_connect_timeout_ms;
  session_.enter(Phase::connect, std::min(limit_ms, session_.login_ms_left()));
  backend_ = &session_.snapshot().backend(route_.candidates[candidate_]->name);
  session_.summary().backend = backend().name;
  session_.summary().shard = route_.shard;
  address_ = 0;
  if (!takes_logins(state().wanted)) return give_up(BackendError::taken_out, "taken out of service");
  seat_ = session_.host().places().take(state());
  if (!seat_) return give_up(BackendError::full, "too many logins are under way there");
  if (const std::vector<Address>* known = session_.host().resolver().known(backend().host)) {
    addresses_ = *known;
    return connect_next();
  }
  resolving_ = session_.host().resolver().resolve(backend().host,
                                                  [this](Resolver::Answer answer) { resolved(std::move(answer)); });
}

void Upstream::resolved(Resolver::Answer answer) {
  if (!answer) return give_up(BackendError::resolve, answer.error().message);
  addresses_ = std::move(*answer);
  connect_next();
}

void Upstream::connect_next() {
  Address address = addresses_[address_++];
  address.set_port(backend().port(session_.frontend().protocol->name));
  connect_start_us_ = now_us();
  begun_ = begin_to(address);
  socket_ = Socket::connect(session_.host().loop(), begun_, *this);
}

int Upstream::begin_to(const Address& address) {
  const std::vector<Address>& sources = backend_->sources;
  if (sources.empty()) return Socket::begin(address);
  int status = -EAFNOSUPPORT;
  for (size_t i = 0; i < sources.size(); ++i) {
    Counter& turns = stats().source_turns;
    const Address& source = sources[turns.get() % sources.size()];
    turns.inc();
    if (source.get()->sa_family != address.get()->sa_family) continue;
    status = Socket::begin(address, &source);
    if (status != -EADDRNOTAVAIL) break;  // else the next one may have a port
  }
  return status;
}

// With implicit TLS it shares a segment with the beginning of TLS.
void Upstream::send_proxy_header() {
  std::string header =
      proxy_header(backend().proxy_protocol, session_.summary(), session_.client(), login_.facts.hops_left);
  Bytes bytes = header;
  socket_->send({&bytes, 1}, backend().tls.mode == config::Tls::implicit);
}

void Upstream::on_connected(Socket&) {
  BackendStats& numbers = stats();
  numbers.connects.inc();
  numbers.connect_seconds.observe_us(now_us() - connect_start_us_);
  login_start_us_ = now_us();
  login_start_ms_ = session_.host().loop().now_ms();
  starttls_ = false;
  BackLogin login = login_;
  login.nonce = session_.host().next_nonce();
  if (backend().trusted && session_.client() != nullptr) {  // only then is it said, and it costs a system call
    Address local = local_address(session_.summary(), *session_.client());
    login.facts.local_ip = local.host();
    login.facts.local_port = local.port();
    login.facts.local_name = name_asked_for(session_.summary(), *session_.client());
  }
  back_ = session_.frontend().protocol->make_back(policy_for(backend()), std::move(login));
  input_.consume(input_.size());
  if (backend().proxy_protocol != config::SendProxyHeader::off) send_proxy_header();
  if (backend().tls.mode == config::Tls::implicit) return start_tls();
  begin_dialogue();
}

uint64_t Upstream::ms_left() const {
  uint64_t limit_ms = session_.limits().backend_login_timeout_ms;
  uint64_t passed_ms = session_.host().loop().now_ms() - login_start_ms_;
  return std::min(passed_ms < limit_ms ? limit_ms - passed_ms : 0, session_.login_ms_left());
}

void Upstream::start_tls() {
  session_.enter(Phase::backend_tls, ms_left());
  socket_->start_tls_client(backend_->tls[session_.frontend().protocol_index]);
}

void Upstream::begin_dialogue() { session_.enter(Phase::backend_login, ms_left()); }

void Upstream::on_secured(Socket&) {
  session_.summary().backend_tls = true;
  begin_dialogue();
  if (!starttls_) return;
  Out out;
  back_->tls_established(out);
  flush(out);
}

bool Upstream::flush(Out& out) {
  if (out.overflowed()) {
    client_.upstream_overflowed();
    return false;
  }
  if (!out.empty()) socket_->send(out.view());
  out.clear();
  return true;
}

void Upstream::on_data(Socket&, Bytes data) {
  input_.append(data);
  while (step()) {
  }
}

bool Upstream::step() {
  Out out;
  Step step = back_->feed(input_.view(), out);
  if (!flush(out)) return false;
  if (step.consumed > 0) write_step(session_.summary(), "backend", back_->state_name(), step.event, 0);
  if (step.event != Event::logged_in) input_.consume(step.consumed);
  switch (step.event) {
    case Event::start_tls:
      starttls_ = true;
      start_tls();
      return false;
    case Event::logged_in: {
      stats().login_seconds.observe_us(now_us() - login_start_us_);
      seat_.release();
      outage().served(session_.host().loop().now_ms());
      // What was consumed is wiped with this object, at the end of the turn.
      client_.upstream_ready(std::move(socket_), *back_, input_.view().substr(step.consumed));
      return false;
    }
    case Event::refused:
      refused();
      return false;
    case Event::unavailable:
    case Event::hang_up:
      give_up(BackendError::unavailable, back_->reply().text);
      return false;
    default:
      return step.consumed > 0 && !input_.empty();
  }
}

// The master's password is not the user's: where it is refused for somebody whom we verified, he is not to blame. What
// the backend says about his mailbox is for him, though.
void Upstream::refused() {
  const BackendReply& reply = back_->reply();
  Refusal::Kind kind = session_.frontend().protocol->refusal_for(reply).kind;
  bool of_the_login = kind == Refusal::Kind::bad_credentials || kind == Refusal::Kind::authorization_failed;
  if (login_.master && of_the_login) {
    return give_up(BackendError::master_refused, "the master login was refused: [" + reply.code + "] " + reply.text);
  }
  socket_.reset();
  seat_.release();
  outage().served(session_.host().loop().now_ms());
  log::write_bounded(
      events::backend_refused,
      {{"id", session_.summary().id}, {"backend", backend().name}, {"code", reply.code}, {"detail", reply.text}});
  client_.upstream_refused(reply, alerts());
}

void Upstream::lost(BackendError error, const std::string& why) {
  if (back_ != nullptr && back_->lost() == Event::refused) return refused();
  give_up(error, why);
}

std::vector<std::string> Upstream::alerts() const {
  if (back_ == nullptr) return {};
  return {back_->alerts().begin(), back_->alerts().end()};
}

// One that expects a PROXY header and gets none, or the other way round, goes without a word of why.
std::string Upstream::with_hint(const std::string& why) const {
  if (socket_ == nullptr || socket_->heard()) return why;
  bool sent = backend().proxy_protocol != config::SendProxyHeader::off;
  return why + (sent ? " (does it expect our PROXY header?)" : " (does it expect a PROXY header?)");
}

void Upstream::on_eof(Socket&, bool) { lost(BackendError::closed, with_hint("closed by the backend")); }

void Upstream::not_connected(const std::string& why) {
  if (address_ < addresses_.size()) return connect_next();
  if (begun_ == -EADDRNOTAVAIL) {
    return give_up(BackendError::no_port, "no port is free, or no address is there, to connect from");
  }
  bool other_family = begun_ == -EAFNOSUPPORT && !backend_->sources.empty();
  if (other_family) return give_up(BackendError::no_port, "no address in source is of its family");
  give_up(BackendError::connect, why);
}

void Upstream::on_failed(Socket& socket, const std::string& why) {
  if (session_.phase() == Phase::connect) return not_connected(why);
  bool handshake = session_.phase() == Phase::backend_tls && socket.tls() != nullptr;
  if (handshake) return give_up(BackendError::tls, with_hint(why));
  lost(BackendError::closed, with_hint(why));
}

void Upstream::deadline() {
  if (session_.phase() == Phase::connect) return give_up(BackendError::connect_timeout, "connecting took too long");
  lost(BackendError::login_timeout, with_hint("no answer in time"));
}

void Upstream::give_up(BackendError error, const std::string& why) {
  stats().errors[static_cast<size_t>(error)].inc();
  std::string_view state = state_name();
  log::Fields how = {{"id", session_.summary().id},
                     {"backend", backend().name},
                     {"error", kBackendErrorFacts[static_cast<size_t>(error)].name},
                     {"state", state},
                     {"detail", why}};
  if (error == BackendError::master_refused) {  // for an operator to mend; the others pass
    log::write(events::master_refused, how);
  } else if (error != BackendError::taken_out) {  // which is no news to the operator
    outage().failed(session_.host().loop().now_ms(), how);
    log::write(events::backend_failed, how);
  }
  last_failure_ = backend().name + ": " + why;
  resolving_.cancel();
  socket_.reset();
  seat_.release();
  std::vector<std::string> for_the_user = alerts();
  session_.host().loop().bury(std::move(back_));  // it may be the caller
  bool late = session_.login_ms_left() == 0;
  if (late || ++candidate_ >= route_.candidates.size()) {
    return client_.upstream_unavailable(error, last_failure_, std::move(for_the_user));
  }
  session_.host().stats().retries.inc();
  try_candidate();
}

}  // namespace postigo
