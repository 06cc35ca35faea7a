// Bytes from one socket to the other. The rules of this file: read a side only while the other one takes; half-close is
// passed on after what came before it (T51, T58); the backend's QUIT is never ours to send (T49); a stream that broke
// off must not look complete (T59). Not here: what the bytes mean (parser's filters).
#include "proxy/session/relay.h"
#include "proxy/session/host.h"

#include <algorithm>
#include <utility>

#include "parser/base/copies.h"
#include "proxy/session/session.h"

namespace postigo {

Relay::Relay(Session& session, SocketPtr backend, BackendState& where, std::unique_ptr<RelayFilter> filter)
    : Stage(session),
      backend_(std::move(backend)),
      filter_(std::move(filter)),
      active_ms_(session.host().loop().now_ms()),
      where_(where),
      numbers_(session.host().stats().backends[where.slot]) {
  numbers_.sessions.inc();
  where_.sessions.fetch_add(1, std::memory_order_relaxed);
  session_.host().places().relay_began();
}

Relay::~Relay() {
  numbers_.sessions.dec();
  where_.sessions.fetch_sub(1, std::memory_order_relaxed);
  session_.host().places().relay_ended();
}

void Relay::sum_up(Summary& summary) const { summary.commands = filter_->commands(); }

void Relay::abandon() {
  backend_.reset();
  kept_.reset();
}

uint64_t Relay::timeout_ms() const {
  const config::Limits& limits = session_.limits();
  return end_ahead_ ? limits.half_close_timeout_ms : limits.idle_timeout_ms.values[session_.frontend().protocol_index];
}

void Relay::start(Bytes from_client_first, Bytes from_backend_first, bool client_ended_already) {
  backend_->set_owner(*this);
  backend_->set_read_size(Loop::kReceiveSize);
  if (session_.client() != nullptr) session_.client()->set_read_size(Loop::kReceiveSize);
  if (!from_backend_first.empty()) pump_backend(from_backend_first);
  if (!from_client_first.empty() && !session_.closing()) received(from_client_first);
  if (client_ended_already && !session_.closing()) client_ended();
}

// The backend may end here without cutting a response.
bool Relay::complete() const { return filter_->transparent() || filter_->at_line_start(); }

// Its time is over, and nothing is cut off by that. Who said QUIT goes by himself, and hears that it was done.
bool Relay::may_leave() const {
  bool due = leave_ms_ <= session_.host().loop().now_ms();
  return due && session_.client() != nullptr && complete() && !filter_->said_quit();
}

void Relay::trace(Trace::Way way, std::span<const Bytes> octets) const {
  if (session_.summary().trace == nullptr) return;
  std::string all;
  for (Bytes each : octets) all += each;
  session_.summary().trace->octets(way, all, filter_->transparent());
}

// Asked of each chunk, when most often nothing waits.
bool Relay::is_full(const Socket& peer) const { return peer.unsent() != 0 && peer.unsent() > high_water(); }

// Near the ceiling of the process a peer gets what it takes, and hardly anything is held for it.
size_t Relay::high_water() const {
  constexpr size_t kTight = 16 * 1024;
  const size_t usual = session_.limits().relay_high_water;
  return session_.host().ceiling().level() == MemoryCeiling::Level::calm ? usual : std::min(usual, kTight);
}

void Relay::touch() { active_ms_ = session_.host().loop().now_ms(); }

// For silence, or for the time to leave.
void Relay::wait() {
  uint64_t now_ms = session_.host().loop().now_ms();
  uint64_t silence_ms = timeout_ms() - std::min(timeout_ms(), now_ms - active_ms_);
  uint64_t wait_ms = leave_ms_ > now_ms ? std::min(silence_ms, leave_ms_ - now_ms) : silence_ms;
  if (lost_ != nullptr) wait_ms = std::min(wait_ms, lost_->until_ms - std::min(now_ms, lost_->until_ms));
  session_.rearm(wait_ms);
}

void Relay::received(Bytes data) {
  touch();
  trace(Trace::Way::from_client, {&data, 1});
  session_.summary().bytes_from_client += data.size();
  session_.host().stats().protocols[session_.frontend().protocol_index].bytes_from_client.add(data.size());
  if (kept_ != nullptr) {
    keep(data);
    return offer_kept();
  }
  size_t taken = offer(data);
  if (session_.closing()) return;
  if (taken < data.size()) keep(data.substr(taken));
  client_done();
}

// To the backend, as far as the filter lets it pass. Returns how much that was.
size_t Relay::offer(Bytes data) {
  Slices slices;
  FilterStep step;
  size_t taken = 0;
  do {
    slices.clear();
    step = filter_->from_client(data.substr(taken), slices);
    trace(Trace::Way::to_backend, slices.all());
    if (!slices.all().empty()) backend_->send(slices.all());
    taken += step.consumed;
    if (step.state == FilterStep::State::broken) {
      bool known = !session_.summary().detail.empty();
      session_.abort(CloseReason::protocol_error, known ? "" : "from the client");
      return taken;
    }
  } while (taken < data.size() && step.state == FilterStep::State::ok);
  blocked_ = step.state == FilterStep::State::blocked;
  return taken;
}

void Relay::keep(Bytes data) {
  count_copy(Copy::held, data.size());
  if (kept_ == nullptr) {
    kept_ = std::make_unique<Kept>(*this);
    kept_->since_ms = session_.host().loop().now_ms();
  }
  kept_->octets.append(data);
}

void Relay::offer_kept() {
  if (kept_ == nullptr) return;
  size_t taken = offer(kept_->octets);
  if (session_.closing()) return;
  if (taken == kept_->octets.size()) {
    kept_.reset();
  } else if (taken > 0) {
    kept_->octets.erase(0, taken);
    kept_->since_ms = session_.host().loop().now_ms();
  }
  client_done();
}

// After each offer: is the client read on, is its end told, and how long may what is kept stay?
void Relay::client_done() {
  be_patient();
  if (client_ended_) {
    if (!blocked_) backend_->finish();  // half a line will not become a whole one
    return;
  }
  Socket* client = session_.client();
  if (client == nullptr) return;
  client->pause(Pause::filter_waits, blocked_);
  if (is_full(*backend_)) client->pause(Pause::peer_full);
}

void Relay::be_patient() {
  if (kept_ == nullptr) return;
  uint64_t patience_ms = filter_->patience_ms();
  if (patience_ms == 0) return kept_->patience.cancel();
  uint64_t waited_ms = session_.host().loop().now_ms() - kept_->since_ms;
  session_.host().loop().timers().arm(kept_->patience, patience_ms - std::min(patience_ms, waited_ms));
}

// The log says at the end of the session what it waited for.
void Relay::out_of_patience(void* self) {
  Relay& relay = *static_cast<Relay*>(self);
  relay.session_.summary().detail = relay.filter_->give_up();
  relay.offer_kept();
}

void Relay::on_data(Socket&, Bytes data) {
  touch();
  pump_backend(data);
}

void Relay::pump_backend(Bytes data) {
  trace(Trace::Way::from_backend, {&data, 1});
  session_.summary().bytes_from_backend += data.size();
  session_.host().stats().protocols[session_.frontend().protocol_index].bytes_from_backend.add(data.size());
  Slices slices;
  while (!data.empty()) {
    slices.clear();
    FilterStep step = filter_->from_backend(data, slices);
    data.remove_prefix(step.consumed);
    trace(Trace::Way::to_client, slices.all());
    if (session_.client() != nullptr && !slices.all().empty()) {
      // BYE, close_notify and FIN in one segment. Not what a reset will follow: that would take it along (T73).
      session_.client()->send(slices.all(), data.empty() && backend_->ending() && complete());
    }
    if (step.state == FilterStep::State::broken) return session_.abort(CloseReason::protocol_error, "from the backend");
  }
  Socket* client = session_.client();
  if (client != nullptr && is_full(*client)) backend_->pause(Pause::peer_full);
  if (may_leave()) return end(leave_why_, Farewell::shutting_down);
  if (blocked_) offer_kept();
}

void Relay::client_drained() { backend_->pause(Pause::peer_full, false); }

void Relay::on_drained(Socket&) {
  if (session_.client() != nullptr) session_.client()->pause(Pause::peer_full, false);
}

// What came before that end is still delivered, and the other side may still speak. But who has ended may be gone for
// good: a FIN does not tell, only our next octet to him would. So the time without an octet that moves is short (T72).
void Relay::end_ahead() {
  end_ahead_ = true;
  touch();
  wait();
}

// The client will send no more; it may still wait for answers.
void Relay::client_ended() {
  client_ended_ = true;
  end_ahead();
  if (!blocked_) backend_->finish();
}

// The client is gone. What it sent before still reaches the backend (a QUIT decides whether mail is deleted), and the
// backend hears the end as an end.
void Relay::client_failed(const std::string& why) {
  if (backend_->unsent() == 0) return session_.close(CloseReason::client_lost, why);
  session_.summary().detail = why;
  session_.drop_client();
  client_ended_ = true;
  backend_->finish();
  session_.rearm(session_.limits().close_timeout_ms);
}

void Relay::on_eof(Socket&, bool clean) { lose_backend(clean, clean ? "" : "eof_without_close_notify"); }

void Relay::on_failed(Socket&, const std::string& why) {
  numbers_.errors[static_cast<size_t>(BackendError::closed)].inc();
  lose_backend(false, why);
}

// Thousands who lose their backend in one moment would come back in one moment. Meanwhile nothing is read of the
// client.
void Relay::lose_backend(bool clean, const std::string& why) {
  if (lost_ != nullptr) return;  // its turn will come
  bool leaves = client_ended_ || filter_->said_quit() || session_.client() == nullptr;
  uint64_t now_ms = session_.host().loop().now_ms(), until_ms = now_ms;
  if (!leaves) {
    auto there = static_cast<uint64_t>(std::max<int64_t>(where_.sessions.load(std::memory_order_relaxed), 0));
    until_ms = where_.lost.next_ms(now_ms, there, session_.host().snapshot()->live.leaving.lost_spread_ms);
  }
  if (until_ms <= now_ms) return backend_over(clean, why);
  session_.bond().reset();  // he may log in elsewhere meanwhile
  lost_ = std::make_unique<Lost>(Lost{clean, why, until_ms});
  session_.client()->pause(Pause::backend_lost);
  wait();
}

void Relay::backend_over(bool clean, const std::string& why) {
  if (session_.client() == nullptr) return session_.close(CloseReason::client_lost);
  // In the middle of a response the client must not take the end for the end of the message (T59).
  if (!complete()) {
    return session_.abort(CloseReason::backend_lost, clean ? "closed in the middle of a response" : why);
  }
  if (filter_->said_quit()) return session_.close(CloseReason::logout);
  if (client_ended_) return session_.close(CloseReason::client_closed);
  if (clean) return session_.close(CloseReason::backend_closed);
  session_.client()->send(filter_->farewell(Farewell::backend_lost));
  session_.close(CloseReason::backend_lost, why);
}

// Octets that a slow peer takes from our queue are life as well.
void Relay::deadline() {
  if (session_.client() == nullptr) return session_.close(CloseReason::client_lost);
  if (lost_ != nullptr && session_.host().loop().now_ms() >= lost_->until_ms) {
    return backend_over(lost_->clean, lost_->why);
  }
  if (may_leave()) return end(leave_why_, Farewell::shutting_down);
  uint64_t taken = session_.client()->taken() + backend_->taken();
  if (std::exchange(taken_, taken) != taken) touch();
  uint64_t idle_ms = session_.host().loop().now_ms() - active_ms_;
  if (idle_ms < timeout_ms()) return wait();
  end(client_ended_ ? CloseReason::client_closed : CloseReason::idle_timeout, Farewell::idle_too_long);
}

void Relay::leave_at(uint64_t at_ms, CloseReason why) {
  if (session_.client() == nullptr) return;  // it is on its way, and has a time of its own
  if (why != leave_why_ && at_ms >= leave_ms_) return;
  leave_ms_ = at_ms;
  leave_why_ = why;
  if (may_leave()) return end(leave_why_, Farewell::shutting_down);
  wait();
}

void Relay::shut_down(CloseReason why) {
  if (session_.client() == nullptr) return session_.close(why);
  end(why, Farewell::shutting_down);
}

// On our own account. In the middle of a response there is no room for words, and it must not look complete (T59, T75).
void Relay::end(CloseReason reason, Farewell words) {
  if (!complete()) return session_.abort(reason);
  session_.client()->send(filter_->farewell(words));
  session_.close(reason);
}

}  // namespace postigo
