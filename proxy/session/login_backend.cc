// From a user whom a directory knows to his backend: may he come in, where does he live, how do we log in there? Not
// here: the steps before (login.cc), the backend's side (upstream.cc).
#include <algorithm>

#include "proxy/base/events.h"
#include "proxy/session/binding.h"
#include "proxy/session/host.h"
#include "proxy/session/login.h"
#include "proxy/session/placement.h"
#include "proxy/session/session.h"

namespace postigo {
namespace {

constexpr uint64_t kHoldPatienceMs = 30'000;
constexpr uint64_t kStrandedMs = 15'000;
constexpr uint64_t kHoldReserveMs = 1'000;
constexpr uint64_t kAgainMs = 100;

}  // namespace

// The policy server has a second word on those whose password was right; of the others their backend decides.
void Login::known() {
  known_ = true;
  Gate::Answer answer = identity_.verified ? gate_.knock_again(claimed_) : Gate::Answer::pass;
  if (answer == Gate::Answer::wait) session_.rearm(session_.login_ms_left());
  pass(answer);
}

void Login::find_backend() {
  Host& host = session_.host();
  if (host.holds().held(identity_.user, host.loop().now_ms())) return wait(Refused::on_hold, kHoldPatienceMs);
  auto route = place(session_.snapshot(), host.moves(), identity_, session_.frontend().protocol->name);
  if (!route) {
    log::write(events::route_failed, {{"id", session_.summary().id}, {"detail", route.error().message}});
    return refuse({Refusal::Kind::server_bug, {}}, Refused::no_route);
  }
  session_.summary().user = identity_.user;
  pool_ = route->pool;
  Keys keys = keys_for(identity_);
  auto fits = [&](const config::Backend* each) { return keys.fit(*each); };
  const auto& candidates = route->candidates;
  if (std::none_of(candidates.begin(), candidates.end(), fits))
    return refuse({Refusal::Kind::unavailable, {}}, Refused::master_refused);
  // Whoever was verified here is counted before his backend is asked.
  if (identity_.verified && !seat_user()) return;
  auto way = bind_user(session_, std::move(*route));
  if (!way) return wait(Refused::ledger_away, Upstream::kLedgerPatienceMs);
  seat_.release();
  upstream_ = std::make_unique<Upstream>(*this, session_, std::move(*way), std::move(keys));
  upstream_->start();
}

// His mailbox is on its way (T65), or nobody knows yet where his other sessions are. Nobody waits longer than clients
// do, and not more logins than a limit.
void Login::wait(Refused why, uint64_t patience_ms) {
  if (!seat_ || waits_for_ != why) {
    if (!seat_) seat_ = session_.host().holds().wait();
    if (!seat_) return refuse({Refusal::Kind::unavailable, {}}, why);
    waits_for_ = why;
    const uint64_t left_ms = session_.login_ms_left();  // the refusal is to be heard before it is over
    session_.enter(Phase::lookup, std::min(patience_ms, left_ms - std::min(left_ms, kHoldReserveMs)));
  }
  session_.host().loop().timers().arm(again_, kAgainMs);
}

// His sessions bind him to a backend that cannot be reached: they are let go, and he waits for that, once. A stranger
// who uses his name has no part in it: what may be due to what was said, and not to the backend, counts only if we know
// him.
bool Login::strand(BackendError error) {
  bool by_words = error == BackendError::closed || error == BackendError::login_timeout;
  if (stranded_ || (by_words && !identity_.verified)) return false;
  if (!upstream_->was_held() || !upstream_->has_choice() || !is_stranded(session_, error)) return false;
  const uint64_t until_ms = session_.host().loop().now_ms() + kStrandedMs;
  if (!session_.host().holds().hold(identity_.user, Holds::By::login, until_ms)) return false;
  stranded_ = true;
  session_.host().loop().bury(std::move(upstream_));
  session_.enter(Phase::command, session_.login_ms_left());
  find_backend();
  return true;
}

// Each proxy takes one off what the one before it said, in its PROXY header or in the dialogue. Whoever says nothing is
// taken for the first (T63).
unsigned Login::hops_left() const {
  unsigned hops = ClientFacts::kHops + 1;
  const std::unique_ptr<Proxied>& proxied = session_.summary().proxied;
  if (proxied != nullptr && proxied->hops_left) hops = std::min<unsigned>(hops, *proxied->hops_left);
  if (auto told = front_->hops_left()) hops = std::min(hops, *told);
  return hops == 0 ? 0 : hops - 1;
}

Keys Login::keys_for(const Identity& identity) {
  const config::BackendLogin& how = session_.snapshot().live.auth.backend_login;
  Keys keys = keys_of(how, identity, front_->credentials(), acting_as_.empty() ? std::string() : claimed_);
  ClientFacts& facts = keys.login.facts;
  facts.client_id = front_->client_id();
  facts.hops_left = hops_left();
  if (session_.snapshot().tells_of_clients) collect(facts);
  return keys;
}

// What trusted backends are told.
void Login::collect(ClientFacts& facts) const {
  const Summary& summary = session_.summary();
  facts.client_ip = summary.client.host();
  facts.client_port = summary.client.port();
  facts.session_id = summary.id.view();
  facts.tls = session_.secure() || (summary.proxied != nullptr && summary.proxied->ssl);
  if (const ClientFacts* told = front_->told()) {
    if (!told->session_id.empty()) facts.session_id = told->session_id;
    if (told->tls) facts.tls = told->tls;
    facts.forward = told->forward;
  }
}

bool Login::seat_user() {
  if (session_.seat_user(pool_, identity_)) return true;
  refuse({Refusal::Kind::too_many, {}}, Refused::user_limit);
  return false;
}

}  // namespace postigo
