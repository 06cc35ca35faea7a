// The client's side of a session's life: accept, TLS, hand over to Login, hand over to Relay, and the one exit. Not
// here: a PROXY header (preamble.cc), what is said before login (login.cc), the backend (upstream.cc), the bytes
// afterwards (relay.cc).
#include "proxy/session/session.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "proxy/base/events.h"
#include "proxy/session/login.h"
#include "proxy/session/preamble.h"
#include "proxy/session/relay.h"
#include "proxy/worker.h"

namespace postigo {
namespace {

// After the end of a session: how long a client may go on taking what is unsent.
constexpr uint64_t kSlowClientMs = 60'000;
// The same while the instance stops: enough to take a BYE, and to close after it, over the slowest line.
constexpr uint64_t kStoppingMs = 1'000;

}  // namespace

Session::Session(Worker& worker, std::shared_ptr<const Frontend> frontend, bool refused, uint64_t number)
    : worker_(worker),
      frontend_(std::move(frontend)),
      snapshot_(worker.snapshot()),
      deadline_([](void* self) { static_cast<Session*>(self)->deadline(); }, this),
      number_(number),
      refused_(refused) {
  summary_.id = worker.next_session_id();
  summary_.listener = frontend_->name;
  summary_.protocol = frontend_->protocol->name;
  summary_.start_ms = worker.loop().now_ms();
}

Session::~Session() = default;

const config::Limits& Session::limits() const {
  return snapshot_ != nullptr ? snapshot_->live.limits : worker_.snapshot()->live.limits;
}

void Session::accept(int fd, const Address& peer) {
  client_ = Socket::adopt(worker_.loop(), fd, *this);
  summary_.client = peer;
  worker_.stats().sessions[static_cast<size_t>(phase_)].inc();
}

void Session::begin() {
  switch (Preamble::terms(*frontend_, summary_.client)) {
    case Preamble::Terms::none:
      return begin_dialogue();
    case Preamble::Terms::refused:
      return abort(CloseReason::proxy_header_untrusted);
    case Preamble::Terms::header:
      preamble_ = std::make_unique<Preamble>(*this);
      return enter(Phase::preamble, std::min(limits().proxy_header_timeout_ms, login_ms_left()));
  }
}

void Session::begin_dialogue(Bytes received) {
  summary_.trace = worker_.traces().of_address(summary_.client.octets(), summary_.id);
  worker_.loop().bury(std::move(preamble_));  // to which `received` belongs: it lives to the end of this turn
  if (frontend_->tls == config::Tls::implicit) return start_tls(received);
  begin_login();
  if (!received.empty()) on_data(*client_, received);
}

void Session::enter(Phase phase, uint64_t deadline_ms) {
  assert(phase == phase_ || may_follow(phase_, phase));
  auto& gauges = worker_.stats().sessions;
  gauges[static_cast<size_t>(phase_)].dec();
  gauges[static_cast<size_t>(phase)].inc();
  phase_ = phase;
  if (summary_.trace) summary_.trace->note(name_of(phase));
  if (log::enabled(events::phase)) log::write(events::phase, {{"id", summary_.id}, {"phase", name_of(phase)}});
  rearm(deadline_ms);
}

void Session::rearm(uint64_t deadline_ms) { worker_.loop().timers().arm(deadline_, deadline_ms); }

uint64_t Session::login_ms_left() const {
  uint64_t passed = worker_.loop().now_ms() - summary_.start_ms;
  uint64_t limit = limits().login_timeout_ms;
  return passed < limit ? limit - passed : 0;
}

void Session::start_tls(Bytes received) {
  handshake_start_us_ = uv_hrtime() / 1000;
  enter(Phase::tls, std::min(limits().tls_handshake_timeout_ms, login_ms_left()));
  client_->start_tls_server(frontend_->tls_context->get(), received);
}

void Session::on_secured(Socket&) {
  count_handshake();
  if (login_ == nullptr) return begin_login();
  enter(Phase::command, login_ms_left());
  login_->secured();
}

void Session::count_handshake() {
  const Tls& tls = *client_->tls();
  ListenerStats& stats = worker_.stats().listeners[frontend_->state->slot];
  summary_.tls_version = tls.version();
  summary_.tls_cipher = tls.cipher();
  summary_.tls_resumed = tls.resumed();
  bool tls13 = SSL_version(client_->tls()->ssl()) == TLS1_3_VERSION;
  stats.tls_handshakes[tls13][tls.resumed()].inc();
  stats.tls_seconds.observe_us(uv_hrtime() / 1000 - handshake_start_us_);
}

void Session::begin_login() {
  enter(Phase::command, login_ms_left());
  login_ = std::make_unique<Login>(*this);
  if (refused_) {
    login_->farewell(Farewell::too_many_connections);
    return close(CloseReason::session_limit);
  }
  login_->start();
}

// A login ends under the terms under which it began; its backend may have been removed since, with all its sessions.
uint64_t Session::time_to_leave(const BackendState& where) const {
  const Snapshot& newest = *worker_.snapshot();
  if (snapshot_.get() == &newest || newest.find_backend(where.name) != nullptr) return Relay::kStays;
  bool keeps = snapshot_->backend(where.name).settings.on_remove == config::OnRemove::keep;
  return keeps ? Relay::kStays : worker_.loop().now_ms() + newest.live.leaving.remove_time_ms;
}

void Session::begin_relay(SocketPtr backend, BackendState& where, std::span<const std::string> capabilities,
                          Bytes from_client, Bytes from_backend, bool client_ended) {
  ProtocolStats& numbers = worker_.stats().protocols[frontend_->protocol_index];
  FilterCounts counts(numbers.verbs.data(), &numbers.rewrites[static_cast<size_t>(Rewrite::stream)]);
  auto filter = frontend_->protocol->make_filter(frontend_->policy.capabilities, capabilities, counts);
  relay_ = std::make_unique<Relay>(*this, std::move(backend), where, std::move(filter));
  worker_.login_memory().hold(*this, 0);
  uint64_t leave_ms = time_to_leave(where);
  snapshot_.reset();
  enter(Phase::relay, relay_->timeout_ms());
  // `from_client` and `from_backend` point into the Login, which lives to the end of this turn.
  worker_.loop().bury(std::move(login_));
  relay_->start(from_client, from_backend, client_ended);
  if (relay_ != nullptr && leave_ms != Relay::kStays) relay_->leave_at(leave_ms, CloseReason::backend_removed);
}

void Session::on_data(Socket&, Bytes data) {
  if (closing()) return;  // lingering: what comes now is read and dropped
  if (relay_ != nullptr) return relay_->from_client(data);
  if (preamble_ != nullptr) return preamble_->received(data);
  if (login_ == nullptr) return;
  login_->received(data);
  count_memory();
}

void Session::count_memory() {
  if (closing() || relay_ != nullptr) return;
  size_t stage = preamble_ != nullptr ? preamble_->held() : login_ != nullptr ? login_->held() : 0;
  worker_.login_memory().hold(*this, client_->held() + stage);
}

// Others need what this one holds. It is told so; waiting for its answer would keep what TLS holds for it.
void Session::make_room() {
  if (login_ != nullptr) login_->farewell(Farewell::too_many_connections);
  close(CloseReason::login_memory);
  if (client_ == nullptr || client_->held() == 0) return;
  retire();
}

void Session::on_eof(Socket& socket, bool clean) {
  if (closing()) {
    if (socket.finished()) retire();  // else our last bytes are on their way still, and on_drained follows (T58)
    return;
  }
  if (!clean && summary_.detail.empty()) summary_.detail = "eof_without_close_notify";
  if (relay_ != nullptr) return relay_->client_ended();
  if (login_ != nullptr) return login_->client_ended();
  close(CloseReason::client_closed);
}

void Session::on_failed(Socket&, const std::string& why) {
  if (closing()) return retire();
  if (phase_ == Phase::tls && client_->heard()) {
    worker_.stats().listeners[frontend_->state->slot].tls_failed.inc();
    return close(CloseReason::tls_failed, why);
  }
  if (relay_ != nullptr) return relay_->client_failed(why);
  close(CloseReason::client_lost, why);
}

void Session::on_drained(Socket& socket) {
  if (closing() && socket.finished() && socket.ended()) return retire();
  if (relay_ != nullptr) relay_->client_drained();
}

// A client that is lost while it is not read is not asked for the rest; its backend hears of it at once (T72).
void Session::on_ending(Socket& socket, const std::string& broken) {
  if (!broken.empty()) return on_failed(socket, broken);
  if (relay_ != nullptr) relay_->client_ending();
}

void Session::deadline() {
  switch (phase_) {
    case Phase::preamble:
      return preamble_->deadline();
    case Phase::tls:
      worker_.stats().listeners[frontend_->state->slot].tls_timeout.inc();
      return close(CloseReason::tls_timeout);
    case Phase::relay:
      return relay_->deadline();
    case Phase::closing:
      return closing_deadline();
    default:
      return login_->deadline();
  }
}

// A slow client gets its last octets if it takes them steadily, but not for ever; what it then has not is lost, and
// letting go of the socket tells so (T75).
void Session::closing_deadline() {
  uint64_t passed_ms = worker_.loop().now_ms() - summary_.end_ms;
  bool progress = std::exchange(taken_, client_->taken()) != client_->taken();
  if (!progress || client_->unsent() == 0 || worker_.stopping() || passed_ms >= kSlowClientMs) return retire();
  rearm(close_timeout_ms());
}

uint64_t Session::close_timeout_ms() const {
  uint64_t configured_ms = limits().close_timeout_ms;
  return worker_.stopping() ? std::min(configured_ms, kStoppingMs) : configured_ms;
}

void Session::shut_down(CloseReason why) {
  if (closing()) return rearm(close_timeout_ms());
  if (relay_ != nullptr) return relay_->shut_down(why);
  if (login_ != nullptr) login_->farewell(Farewell::shutting_down);
  close(why);
}

void Session::leave_at(uint64_t at_ms, CloseReason why) { relay_->leave_at(at_ms, why); }

// Login or Relay live to the end of the turn, because they may be the caller; from here on they are inert.
void Session::end_stage(CloseReason reason, std::string detail) {
  // Who came and went without a word was a health check, not a client. So was a balancer that says so.
  bool silent = client_ != nullptr && !client_->heard();
  bool check = summary_.proxied != nullptr && summary_.proxied->health_check && !summary_.authenticated;
  summary_.phase = phase_;
  summary_.reason = (silent || check) && side_of(reason) == "client" ? CloseReason::probe : reason;
  if (!detail.empty()) summary_.detail = std::move(detail);
  summary_.end_ms = worker_.loop().now_ms();
  if (login_ != nullptr) {
    summary_.state = login_->state_name();
    summary_.commands = login_->commands();
    login_->abandon();
  }
  if (relay_ != nullptr) {
    summary_.commands = relay_->commands();
    relay_->abandon();
  }
  worker_.login_memory().hold(*this, 0);
  enter(Phase::closing, close_timeout_ms());
  worker_.loop().bury(std::move(preamble_));
  worker_.loop().bury(std::move(login_));
  worker_.loop().bury(std::move(relay_));
}

void Session::close(CloseReason reason, std::string detail) {
  if (closing()) return;
  end_stage(reason, std::move(detail));
  bool nobody = client_ == nullptr || reason == CloseReason::client_lost || reason == CloseReason::tls_timeout;
  if (nobody) return retire();
  if (reason == CloseReason::tls_failed) {
    client_->finish();  // the alert is on its way; nothing to wait for but that
    return retire();
  }
  // Linger: our last words arrive only if the client's unread bytes do not turn the close into a reset.
  client_->finish();
  client_->unpause_all();
  taken_ = client_->taken();
}

void Session::abort(CloseReason reason, std::string detail) {
  if (closing()) return;
  if (client_ != nullptr) client_->reset_on_close();
  end_stage(reason, std::move(detail));
  retire();
}

void Session::cut_off() {
  if (!closing()) return abort(CloseReason::shutting_down);
  client_->reset_on_close();
  retire();
}

void Session::retire() {
  deadline_.cancel();
  client_.reset();
  worker_.stats().sessions[static_cast<size_t>(phase_)].dec();
  worker_.retire(*this);
}

}  // namespace postigo
