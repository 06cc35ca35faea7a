// Candidates in order. Not here: which candidates (backends/router), how one is reached (dialer.cc).
#include "proxy/session/upstream.h"

#include <algorithm>
#include <array>
#include <utility>

#include "backends/balance/siphash.h"
#include "proxy/base/events.h"
#include "proxy/session/binding.h"
#include "proxy/session/capability_digest.h"
#include "proxy/session/health_log.h"
#include "proxy/session/host.h"
#include "proxy/session/proxy_header.h"
#include "proxy/session/ready_pool.h"
#include "proxy/session/session.h"

namespace postigo {
namespace {

struct NoRoom {
  BackendError error;
  std::string_view text;
};

const NoRoom& told_of(Admittance::Why why) {
  static constexpr std::array<NoRoom, 5> kTold = {
      {{BackendError::full, "too many logins are under way there"},
       {BackendError::session_limit, "has as many sessions as it may: sessions_max"},
       {BackendError::login_rate, "gets as many logins a second as it may: logins_per_s"},
       {BackendError::queue_full, "has no room, and as many wait for it as may: queue_max"},
       {BackendError::pool_limit, "its pool has as many sessions as it may: sessions_max"}}};
  return kTold[static_cast<size_t>(why)];
}

}  // namespace
Upstream::Upstream(Client& client, Session& session, Candidates&& way, Keys&& keys)
    : client_(client), session_(session), way_(std::move(way)), keys_(std::move(keys)) {}

BackendStats& Upstream::stats() { return session_.host().stats().backends[backend_->state->slot]; }

void Upstream::start() { try_candidate(); }

uint64_t Upstream::now_ms() const { return session_.host().loop().now_ms(); }

SharedHealth& Upstream::health() const { return state().health(session_.frontend().protocol_index); }

void Upstream::abandon() {
  leave();
  way_.release();
}

void Upstream::leave() {
  again_ = nullptr;
  socket_.reset();
  if (backend_ != nullptr) health().dropped(std::exchange(trial_, 0));
  if (dialer_ != nullptr) dialer_->abandon();
  settle_ready(ReadyResult::used);
  admittance_.leave();
  seat_.release();
}

void Upstream::try_candidate() {
  backend_ = &session_.snapshot().backend(way_.candidate());
  session_.summary().backend = state().name;
  session_.summary().shard = way_.route().shard;
  silence_told_ = false;
  asks_since_ms_ = 0;
  admittance_.begin();
  ask_to_go();
}

// Also whoever waits for room: there may be some because it has just gone down.
void Upstream::ask_to_go() {
  if (is_shut()) return;
  if (!keys_.fit(backend())) return give_up(BackendError::unavailable, "nothing that we have opens it for this user");
  if (trial_ == 0 && !let_in()) return give_up(BackendError::down, "is down: " + health().view(now_ms()).why);
  sit_down();
}

bool Upstream::is_shut() {
  bool follows = state().wanted == Wanted::drain && way_.is_held();
  if (takes_logins(state().wanted) || follows) return false;
  give_up(BackendError::taken_out, "taken out of service");
  return true;
}

// Where there is no room one waits a little, if nobody else may serve.
void Upstream::sit_down() {
  auto elsewhere = [this] { return another_has_room(); };
  const bool waited = admittance_.waits();
  // Who waits through a reload waits under the new terms.
  const Snapshot& newest = *session_.host().snapshot();
  const Backend* known = &newest != &session_.snapshot() ? newest.find_backend(state().name) : backend_;
  Admittance::Answer answer =
      admittance_.ask({session_.host().places(), state(), known != nullptr ? known->settings : backend(),
                       newest.limit_of(way_.route().pool), now_ms(), elsewhere});
  if (!waited && admittance_.waits()) stats().queued.inc();
  if (answer == Admittance::Answer::wait) {
    return session_.enter(Phase::connect, std::min(Admittance::kStepMs, session_.login_ms_left()));
  }
  if (answer == Admittance::Answer::no) {
    const NoRoom& why = told_of(admittance_.why());
    return give_up(why.error, std::string(why.text));
  }
  seat_ = admittance_.seat();
  dial();
}

// One that is ready knows its backend already: it has only to say who comes.
void Upstream::dial() {
  ReadyPool& ready = session_.host().ready();
  dialer_ = ready.take(session_.snapshot(), *backend_, *session_.frontend().protocol);
  on_ready_ = dialer_ != nullptr;
  if (!on_ready_) {
    dial_afresh();
  } else {
    session_.enter(Phase::connect, session_.login_ms_left());
    dialer_->go_on(*this);
  }
  ready.refill();
}

void Upstream::dial_afresh() {
  Host& host = session_.host();
  if (std::exchange(on_ready_, false)) {
    host.ready().failed(*backend_, *session_.frontend().protocol);
    dialer_->socket()->reset_on_close();  // else the kernel would go on trying to say the login
  }
  if (dialer_ != nullptr) dialer_->abandon();
  host.loop().bury(
      std::exchange(dialer_, std::make_unique<Dialer>(*this, Dialer::Means{host.loop(), host.resolver(), stats()},
                                                      *backend_, *session_.frontend().protocol)));
  dialer_->start();
}

// It ended before it heard the login: that is no news of the backend, nor of the user. What a backend may have heard is
// never said twice: a wrong password would count twice, too.
bool Upstream::was_stale(BackendError error) const {
  if (!on_ready_ || dialer_->back()->answered()) return false;
  return error == BackendError::unavailable || (error == BackendError::closed && !dialer_->socket()->acknowledged());
}

void Upstream::settle_ready(ReadyResult result) {
  if (std::exchange(on_ready_, false)) stats().ready[static_cast<size_t>(result)].inc();
}

// Nobody waits for one that is down but a trial. What an operator says is stronger.
bool Upstream::let_in() {
  if (state().wanted != Wanted::automatic) return true;
  const config::Limits& limits = session_.limits();
  constexpr uint64_t kSlackMs = 1'000;
  auto admission = health().admit(now_ms(), backend().queue_timeout_ms + limits.backend_connect_timeout_ms +
                                                limits.backend_login_timeout_ms + kSlackMs);
  trial_ = admission.trial;
  return admission.admitted;
}

// It serves, but others who serve too greet sooner.
bool Upstream::is_slow() const { return health().patience_ms() > backend().health.silence_ms; }

bool Upstream::may_serve(const config::Backend& other) const {
  const BackendState& state = *session_.snapshot().backend(other).state;
  if (state.wanted == Wanted::ready) return true;
  return takes_logins(state.wanted) && !state.health(session_.frontend().protocol_index).down();
}

bool Upstream::another_may_serve() const {
  const auto others = way_.others();
  return std::any_of(others.begin(), others.end(), [this](const config::Backend* each) { return may_serve(*each); });
}

bool Upstream::another_has_room() const {
  const auto others = way_.others();
  return !way_.is_held() && std::any_of(others.begin(), others.end(), [this](const config::Backend* each) {
    BackendState& state = *session_.snapshot().backend(*each).state;
    return may_serve(*each) && session_.host().places().has_room(state, *each, now_ms());
  });
}

// About whom a failure behind the greeting may be. A stranger has as many names as he likes, but not as many addresses;
// where many people come from one address (webmail) it is an exempt one.
std::string Upstream::blamed() const {
  const Summary& who = session_.summary();
  const auto octets = who.client.octets();
  if (keys_.ours(backend()) || config::any_contains(session_.snapshot().penalty.exempt, octets)) return who.user;
  bool v6 = who.client.get()->sa_family == AF_INET6;
  return {reinterpret_cast<const char*>(octets.data()), v6 ? octets.size() / 2 : octets.size()};
}

void Upstream::met(bool good, Depth depth, const std::string& why) {
  Health::Trial trial = std::exchange(trial_, 0);
  if (!backend().health.passive && trial == 0) return;
  auto change = good ? health().good(now_ms(), depth, trial)
                     : health().bad(now_ms(), depth, why, SeededHash{}(blamed()) | 1, trial);
  if (change) write_health(backend().name, session_.frontend().protocol->name, *change);
}

void Upstream::dial_entered(Phase phase) {
  bool connecting = phase == Phase::connect;
  if (phase == Phase::backend_login && dialer_->socket()->tls() != nullptr) session_.summary().backend_tls = true;
  uint64_t limit_ms = session_.limits().backend_connect_timeout_ms;
  if (connecting) return session_.enter(phase, std::min(limit_ms, session_.login_ms_left()));
  uint64_t patience_ms = is_slow() && another_may_serve() ? backend().health.silence_ms : health().patience_ms();
  bool knows_it = dialer_->greeted() && !on_ready_;  // to be alive
  session_.enter(phase, knows_it ? ms_left() : std::min(ms_left(), patience_ms));
}

void Upstream::dial_greeted() {
  health().greeted(now_ms() - dialer_->connected_ms());
  session_.rearm(ms_left());
}

uint64_t Upstream::ms_left() const {
  uint64_t limit_ms = session_.limits().backend_login_timeout_ms;
  uint64_t passed_ms = session_.host().loop().now_ms() - dialer_->connected_ms();
  return std::min(passed_ms < limit_ms ? limit_ms - passed_ms : 0, session_.login_ms_left());
}

Dialer::Words Upstream::dial_words() {
  Dialer::Words words{"", keys_.at(backend())};
  words.login.nonce = session_.host().next_nonce();
  if (backend().trusted && session_.client() != nullptr) {  // only then is it said, and it costs a system call
    Address local = local_address(session_.summary(), *session_.client());
    words.login.facts.local_ip = local.host();
    words.login.facts.local_port = local.port();
    words.login.facts.local_name = name_asked_for(session_.summary(), *session_.client());
  }
  if (backend().proxy_protocol != config::SendProxyHeader::off) {
    words.proxy_header =
        proxy_header(backend().proxy_protocol, session_.summary(), session_.client(), keys_.login.facts.hops_left);
  }
  return words;
}

void Upstream::dial_stepped(std::string_view state, Event event) {
  write_step(session_.summary(), "backend", state, event, 0);
}

void Upstream::dialed(SocketPtr socket, Bytes leftover) {
  socket_ = std::move(socket);
  leftover_ = leftover;
  settle();
}

// One login of sixteen, and the first, tell what the metrics compare: to read a list of thirty costs a login 3 %.
void Upstream::note_capabilities() {
  std::atomic<uint64_t>& known = state().capabilities[session_.frontend().protocol_index];
  if (known.load(std::memory_order_relaxed) != 0 && !session_.summary().id.view().ends_with('0')) return;
  known.store(capability_digest(dialer_->back()->capabilities()), std::memory_order_relaxed);
}

// While the ledger is asked the backend is not read. The dialer still owns what happens to the connection.
void Upstream::settle() {
  const Bonds::Answer answer = way_.settle();
  if (answer == Bonds::Answer::later) {
    socket_->pause(Pause::attempt);
    return ask_again(&Upstream::settle, session_.phase());
  }
  if (answer == Bonds::Answer::no) {
    return give_up(BackendError::moved, "another login of the user went to another backend meanwhile");
  }
  settle_ready(ReadyResult::used);
  Places::Seat counted = std::move(seat_);  // until the relay is
  outage().served(now_ms());
  met(true, Depth::login, "");
  session_.host().places().succeeded(state());
  note_capabilities();
  session_.bond() = way_.take_bond();
  if (asks_since_ms_ != 0) socket_->pause(Pause::attempt, false);
  client_.upstream_ready(std::move(socket_), *dialer_->back(), leftover_);
}

// Nothing has changed meanwhile, so what was asked is asked once more, for as long as anybody waits for that.
void Upstream::ask_again(void (Upstream::*what)(), Phase phase) {
  if (asks_since_ms_ == 0) asks_since_ms_ = now_ms();
  const uint64_t left_ms = session_.login_ms_left(), waited_ms = now_ms() - asks_since_ms_;
  if (left_ms == 0 || waited_ms >= kLedgerPatienceMs) {
    abandon();
    return client_.upstream_undecided();
  }
  again_ = what;
  session_.enter(phase, std::min(kLedgerTickMs, left_ms));
}

// The master's password is not the user's: where it is refused for somebody whom we verified, he is not to blame. What
// the backend says about his mailbox is for him, though.
void Upstream::dial_refused() {
  const BackendReply& reply = dialer_->back()->reply();
  Refusal::Kind kind = session_.frontend().protocol->refusal_for(reply).kind;
  bool of_the_login = kind == Refusal::Kind::bad_credentials || kind == Refusal::Kind::authorization_failed;
  if (keys_.ours(backend()) && of_the_login) {
    return give_up(BackendError::master_refused, "our login was refused: [" + reply.code + "] " + reply.text);
  }
  met(true, Depth::login, "");
  session_.host().places().succeeded(state());  // it answers
  abandon();
  outage().served(now_ms());
  log::write_bounded(
      events::backend_refused,
      {{"id", session_.summary().id}, {"backend", backend().name}, {"code", reply.code}, {"detail", reply.text}});
  client_.upstream_refused(reply, alerts());
}

std::vector<std::string> Upstream::alerts() const {
  if (dialer_ == nullptr || dialer_->back() == nullptr) return {};
  return {dialer_->back()->alerts().begin(), dialer_->back()->alerts().end()};
}

// One that accepts and says nothing is found as fast as one that refuses. If nobody else may serve, it is waited for
// like any slow one; but not once it is believed to be down.
void Upstream::deadline() {
  if (again_ != nullptr) return (this->*std::exchange(again_, nullptr))();
  if (dialer_ == nullptr) return ask_to_go();
  if (on_ready_ && ms_left() > 0) return wait_on_ready();
  bool silent = dialer_->phase() != Phase::connect && !dialer_->greeted() && !silence_told_ && ms_left() > 0;
  if (!silent) return dialer_->deadline();
  bool alone = !another_may_serve();
  if (alone && trial_ != 0) return session_.rearm(ms_left());  // it decides when it knows
  std::string why = dialer_->with_hint("says nothing");
  if (alone || !is_slow()) {  // else that is no news
    silence_told_ = true;
    met(false, Depth::greeting, why);
  }
  bool fell = state().wanted != Wanted::ready && health().down();
  if (!alone || fell) return give_up(BackendError::silent, why);
  session_.rearm(ms_left());
}

// It greeted long ago. If nobody is there any more the first that was said was not acknowledged: a fresh connection
// will tell how the backend is. Else it works on its answer.
void Upstream::wait_on_ready() {
  if (!dialer_->back()->answered() && !dialer_->socket()->acknowledged()) return dial_afresh();
  session_.rearm(ms_left());
}

void Upstream::dial_failed(BackendError error, const std::string& why) {
  if (was_stale(error)) return dial_afresh();
  std::optional<Depth> depth = dialer_->depth_of(error);
  if (depth && !silence_told_) met(false, *depth, why);
  give_up(error, why);
}

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
    outage().failed(now_ms(), how);
    log::write(events::backend_failed, how);
  }
}

void Upstream::give_up(BackendError error, const std::string& why) {
  tell(error, why);
  failure_ = {error, backend().name + ": " + why, alerts()};
  leave();
  session_.host().loop().bury(std::move(dialer_));  // it may be the caller
  go_on();
}

void Upstream::go_on() {
  const bool late = session_.login_ms_left() == 0;
  const Bonds::Answer answer = late ? Bonds::Answer::no : way_.go_on();
  if (answer == Bonds::Answer::later) return ask_again(&Upstream::go_on, Phase::connect);
  if (answer == Bonds::Answer::no) {
    held_ = way_.is_held();
    way_.release();
    return client_.upstream_unavailable(failure_.error, failure_.why, std::move(failure_.alerts));
  }
  session_.host().stats().retries.inc();
  try_candidate();
}

}  // namespace postigo
