// A session's life from accept to the one exit: which stage follows which. Not here: what a stage does (preamble.cc,
// handshake.cc, login.cc, relay.cc, parting.cc), and the backend before login (upstream.cc).
#include "proxy/session/session.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "proxy/base/events.h"
#include "proxy/session/handshake.h"
#include "proxy/session/host.h"
#include "proxy/session/login.h"
#include "proxy/session/parting.h"
#include "proxy/session/preamble.h"
#include "proxy/session/relay.h"

namespace postigo {

Session::Session(Host& host, std::shared_ptr<const Frontend> frontend, bool refused, uint64_t number)
    : host_(host),
      frontend_(std::move(frontend)),
      snapshot_(host.snapshot()),
      deadline_([](void* self) { static_cast<Session*>(self)->stage_->deadline(); }, this),
      number_(number & ((uint64_t{1} << 40) - 1)),
      refused_(refused ? Unwanted::over_limit : Unwanted::no) {
  summary_.id = host.next_session_id();
  summary_.listener = frontend_->name;
  summary_.protocol = frontend_->protocol->name;
  summary_.start_ms = host.loop().now_ms();
}

Session::~Session() = default;

const config::Limits& Session::limits() const {
  return snapshot_ != nullptr ? snapshot_->live.limits : host_.snapshot()->live.limits;
}

void Session::accept(int fd, const Address& peer) {
  client_ = Socket::adopt(host_.loop(), fd, *this);
  summary_.client = peer;
  host_.stats().sessions[static_cast<size_t>(phase_)].inc();
}

// Whoever is told may take his time for it, and no limit counts him.
bool Session::refuse(CloseReason why) {
  if (!host_.take_refusal()) {
    abort(why);
    return false;
  }
  refused_ = Unwanted::counted;
  refusal_ = why;
  return true;
}

void Session::begin() {
  switch (Preamble::terms(*frontend_, summary_.client)) {
    case Preamble::Terms::none:
      return begin_dialogue();
    case Preamble::Terms::refused:
      return abort(CloseReason::proxy_header_untrusted);
    case Preamble::Terms::header:
      become(std::make_unique<Preamble>(*this));
      return enter(Phase::preamble, std::min(limits().proxy_header_timeout_ms, login_ms_left()));
  }
}

void Session::replace(std::unique_ptr<Stage> next) { host_.loop().bury(std::exchange(stage_, std::move(next))); }

// `received` belongs to the Preamble.
void Session::begin_dialogue(Bytes received) {
  summary_.trace = host_.traces().of_address(summary_.client.octets(), summary_.id);
  if (refused_ == Unwanted::no && !admit()) return;
  if (frontend_->tls == config::Tls::implicit) return become(std::make_unique<Handshake>(*this)).start(received);
  enter(Phase::command, login_ms_left());
  begin_login();
  if (!received.empty()) stage_->received(received);
}

void Session::enter(Phase phase, uint64_t deadline_ms) {
  assert(phase == phase_ || may_follow(phase_, phase));
  auto& gauges = host_.stats().sessions;
  gauges[static_cast<size_t>(phase_)].dec();
  gauges[static_cast<size_t>(phase)].inc();
  phase_ = phase;
  if (summary_.trace) summary_.trace->note(name_of(phase));
  if (log::enabled(events::phase)) log::write(events::phase, {{"id", summary_.id}, {"phase", name_of(phase)}});
  rearm(deadline_ms);
}

void Session::rearm(uint64_t deadline_ms) { host_.loop().timers().arm(deadline_, deadline_ms); }

uint64_t Session::login_ms_left() const {
  uint64_t passed = host_.loop().now_ms() - summary_.start_ms;
  uint64_t limit = limits().login_timeout_ms;
  return passed < limit ? limit - passed : 0;
}

void Session::start_tls(Bytes received) {
  bool many = !host_.limiter().shake_hands(snapshot_->limits, frontend_->name, host_.loop().now_ms());
  if (many && reached(Limit::handshakes_per_s)) return abort(CloseReason::rate_limit);
  become(std::make_unique<StartTls>(*this, std::move(stage_))).start(received);
}

bool Session::reached(Limit limit) {
  if (limit != Limit::none) host_.stats().limited[static_cast<size_t>(limit)].inc();
  return limit != Limit::none;
}

// Who comes too often is reset before it costs anything; who has too many sessions is told.
bool Session::admit() {
  bool tls = frontend_->tls == config::Tls::implicit;
  const config::AnyAddress from = summary_.client.octets();
  Limiter& limiter = host_.limiter();
  const uint64_t now_ms = host_.loop().now_ms();
  if (frontend_->speaks(peer_of(summary_), summary_.client)) {
    if (!reached(limiter.pass(snapshot_->limits, frontend_->name, from, tls, now_ms))) return true;
    abort(CloseReason::rate_limit);
    return false;
  }
  auto answer = limiter.come(snapshot_->limits, frontend_->name, from, tls, now_ms);
  place_ = std::move(answer.seat);
  if (!reached(answer.limit)) return true;
  bool told = answer.limit == Limit::sessions_per_address || answer.limit == Limit::sessions_per_network;
  if (told) return refuse(CloseReason::address_limit);
  abort(CloseReason::rate_limit);
  return false;
}

bool Session::admit_told() {
  if (!summary_.trace) summary_.trace = host_.traces().of_address(summary_.client.octets(), summary_.id);
  auto answer = host_.limiter().come_from(snapshot_->limits, summary_.client.octets(), host_.loop().now_ms());
  place_ = std::move(answer.seat);
  return !reached(answer.limit);
}

bool Session::seat_user(std::string_view pool, const Identity& identity) {
  if (user_seat_) return true;
  auto answer = host_.limiter().log_in(snapshot_->limits, summary_.client.octets(), summary_.user, pool,
                                       {identity.limit_class, identity.sessions_max});
  user_seat_ = std::move(answer.seat);
  return !reached(answer.limit);
}

void Session::begin_login() {
  Login& login = become(std::make_unique<Login>(*this));
  if (refused_ != Unwanted::no) {
    login.farewell(Farewell::too_many_connections);
    return close(refusal_);
  }
  login.start();
}

// A login ends under the terms under which it began; its backend may have been removed since, with all its sessions.
uint64_t Session::time_to_leave(const BackendState& where) const {
  const Snapshot& newest = *host_.snapshot();
  if (snapshot_.get() == &newest || newest.find_backend(where.name) != nullptr) return Relay::kStays;
  bool keeps = snapshot_->backend(where.name).settings.on_remove == config::OnRemove::keep;
  return keeps ? Relay::kStays : host_.loop().now_ms() + newest.live.leaving.remove_time_ms;
}

void Session::begin_relay(SocketPtr backend, BackendState& where, std::span<const std::string> capabilities,
                          Bytes from_client, Bytes from_backend, bool client_ended) {
  ProtocolStats& numbers = host_.stats().protocols[frontend_->protocol_index];
  FilterCounts counts(numbers.verbs.data(), &numbers.rewrites[static_cast<size_t>(Rewrite::stream)]);
  auto filter = frontend_->protocol->make_filter(frontend_->policy.capabilities, capabilities, counts);
  // `from_client` and `from_backend` point into the Login, which lives to the end of this turn.
  Relay& relay = become(std::make_unique<Relay>(*this, std::move(backend), where, std::move(filter)));
  host_.login_memory().hold(*this, 0);
  uint64_t leave_ms = time_to_leave(where);
  snapshot_.reset();
  enter(Phase::relay, relay.timeout_ms());
  relay.start(from_client, from_backend, client_ended);
  if (leave_ms != Relay::kStays) leave_at(leave_ms, CloseReason::backend_removed);
}

void Session::on_data(Socket&, Bytes data) { stage_->received(data); }

void Session::count_memory() {
  if (closing() || relaying()) return;
  host_.login_memory().hold(*this, client_->held() + stage_->held());
}

// Others need what this one holds. It is told so; waiting for its answer would keep what TLS holds for it.
void Session::make_room() {
  stage_->farewell(Farewell::too_many_connections);
  close(CloseReason::login_memory);
  if (client_ == nullptr || client_->held() == 0) return;
  retire();
}

void Session::on_eof(Socket&, bool clean) {
  if (!clean && !closing() && summary_.detail.empty()) summary_.detail = "eof_without_close_notify";
  stage_->client_ended();
}

void Session::on_failed(Socket&, const std::string& why) { stage_->client_failed(why); }

void Session::on_secured(Socket&) { stage_->secured(); }

void Session::on_drained(Socket&) { stage_->client_drained(); }

// A client that is lost while it is not read is not asked for the rest; its backend hears of it at once (T72).
void Session::on_ending(Socket&, const std::string& broken) {
  broken.empty() ? stage_->client_ending() : stage_->client_failed(broken);
}

void Session::shut_down(CloseReason why) { stage_->shut_down(why); }

void Session::leave_at(uint64_t at_ms, CloseReason why) { stage_->leave_at(at_ms, why); }

// The stage lives to the end of the turn, because it may be the caller; from here on it is inert.
void Session::end_stage(CloseReason reason, std::string detail) {
  // Who came and went without a word was a health check, not a client. So was a balancer that says so.
  bool silent = client_ != nullptr && !client_->heard();
  bool check = summary_.proxied != nullptr && summary_.proxied->health_check && !summary_.authenticated;
  summary_.phase = phase_;
  summary_.reason = (silent || check) && side_of(reason) == "client" ? CloseReason::probe : reason;
  if (!detail.empty()) summary_.detail = std::move(detail);
  summary_.end_ms = host_.loop().now_ms();
  if (stage_ != nullptr) {
    stage_->sum_up(summary_);
    stage_->abandon();
  }
  bond_.reset();
  host_.login_memory().hold(*this, 0);
  place_.release();
  door_seat_.release();
  user_seat_.release();
  enter(Phase::closing, become(std::make_unique<Parting>(*this)).timeout_ms());
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
  if (refused_ == Unwanted::counted) host_.give_refusal();
  deadline_.cancel();
  client_.reset();
  host_.stats().sessions[static_cast<size_t>(phase_)].dec();
  host_.retire(*this);
}

}  // namespace postigo
