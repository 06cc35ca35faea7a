// As proxy/session's login, login_backend and upstream do it. Not here: what becomes of those who are in
// (logins_in.cc), what must never be (oracle.cc).
#include "tests/sim/logins.h"

#include <algorithm>
#include <array>

namespace postigo::sim {
namespace {

constexpr uint64_t kLeaseMs = 14'000;     // of a trial: connect, login and a second
constexpr uint64_t kLoginMs = 60'000;     // login_timeout
constexpr uint64_t kPatienceMs = 30'000;  // of one who is on hold
constexpr uint64_t kLedgerMs = 1'500;     // of one whose ledger says nothing
constexpr uint64_t kTickMs = 100;
constexpr uint64_t kStrandedMs = 15'000;

}  // namespace

Logins::Logins(Story& story, World& world, Door& door, Oracle& oracle, Rooms& rooms, Ready& ready)
    : story_(story), door_(door), oracle_(oracle), rooms_(rooms), ready_(ready) {
  world.on_loss = [this](Server& server, bool at_once) { lose(server, at_once); };
}

std::string_view Logins::pool_of(size_t user) {
  constexpr std::array<std::string_view, 4> kPools = {"main", "main", "shared", "spread"};
  return kPools[user % kPools.size()];
}

void Logins::log_in(size_t user) {
  ++story_.count(Count::logins);
  auto login = std::make_shared<Login>();
  login->user = user;
  login->who = {name_of(user), address_of(user / 2 % (story_.scale.users / 4 + 1) + story_.roll(3)), {}};
  login->began_ms = story_.now_ms();
  login->worker = story_.roll(Ready::kWorkers);
  auto answer = door_.limiter.come(door_.rules, "imap", login->who.address, false, story_.now_ms());
  oracle_.limits.came(login->who, answer.limit);
  if (answer.limit != Limit::none) {
    ++story_.count(Count::limited);
    return;
  }
  login->door_seat = std::move(answer.seat);
  oracle_.began(*login);
  find_backend(login);
}

void Logins::find_backend(const LoginPtr& login) {
  const bool held = door_.ledger.holds.held(login->who.user, story_.now_ms());
  oracle_.asked_hold(login->who.user, held);
  if (held) return wait(login, false);
  auto route = door_.route(login->who.user, pool_of(login->user));
  if (!route) return story_.wrong("no route: " + route.error().message);
  if (!seat_user(*login, route->pool)) return refuse(login, Count::limited);
  oracle_.arranged(*route, login->who.user);
  auto way = door_.candidates(std::move(*route), login->who.user);
  if (!way) return wait(login, true);
  login->waiting.release();
  login->way.emplace(std::move(*way));
  login->trying = true;
  ++trying_[login->who.user];
  oracle_.placed(*login);
  try_candidate(login);
}

void Logins::wait(const LoginPtr& login, bool for_answer) {
  const uint64_t now_ms = story_.now_ms();
  if (!login->waiting || login->waits_for_answer != for_answer) {
    ++story_.count(for_answer ? Count::asked_again : Count::waited);
    if (!login->waiting) login->waiting = door_.ledger.holds.wait();
    if (!login->waiting) return refuse(login, Count::refused);
    login->waits_for_answer = for_answer;
    login->waits_until_ms = std::min(now_ms + (for_answer ? kLedgerMs : kPatienceMs), login->began_ms + kLoginMs);
  }
  if (now_ms >= login->waits_until_ms) return refuse(login, for_answer ? Count::undecided : Count::refused);
  story_.time.in(kTickMs, [this, login] { find_backend(login); });
}

bool Logins::seat_user(Login& login, std::string_view pool) {
  if (!login.who.pool.empty()) return true;
  auto answer = door_.limiter.log_in(door_.rules, login.who.address, login.who.user, pool);
  oracle_.limits.logged_in(login.who, pool, answer.limit);
  if (answer.limit != Limit::none) return false;
  login.user_seat = std::move(answer.seat);
  login.who.pool = pool == "main" ? "main" : pool == "shared" ? "shared" : "spread";
  return true;
}

void Logins::try_candidate(const LoginPtr& login) {
  login->admittance.begin();
  login->asks_since_ms = 0;
  ask_to_go(login);
}

// Nobody waits for one that is down but a trial, which is of what one process believes.
bool Logins::let_in(Login& login, Server& to) {
  if (login.belief != to.belief) {
    drop_trial(login);
    login.belief = to.belief;
  }
  if (to.wanted != Wanted::automatic || login.trial != 0) return true;
  auto admission = to.belief->health.admit(story_.now_ms(), kLeaseMs + World::kLinePatienceMs);
  login.trial = admission.trial;
  return admission.admitted;
}

// Also whoever waits for room: the backend may have gone down, or out of service.
void Logins::ask_to_go(const LoginPtr& login) {
  Server& to = door_.server(login->way->candidate());
  bool follows = to.wanted == Wanted::drain && login->way->is_held();
  if ((!takes_logins(to.wanted) && !follows) || !let_in(*login, to)) return go_on(login, true);
  switch (rooms_.ask(*login, to)) {
    case Admittance::Answer::wait:
      return story_.time.in(Admittance::kStepMs, [this, login] { ask_to_go(login); });
    case Admittance::Answer::no:
      login->asked.push_back(&to);
      return go_on(login, false);
    case Admittance::Answer::go:
      break;
  }
  oracle_.chosen(*login, to, login->trial);
  connect(login, to);
}

// What a connection meets is what is true when its answer comes.
void Logins::connect(const LoginPtr& login, Server& to) {
  Belief& belief = *login->belief;
  if (login->trial != 0) {
    ++story_.count(Count::trials);
    oracle_.trial(to, ++belief.trials_under_way);
  }
  const uint64_t hello_ms = ready_.take(login->worker, to) ? 1 : 1 + story_.roll(20);
  uint64_t takes_ms = to.truth == Truth::silent ? belief.health.patience_ms() : hello_ms;
  story_.time.in(takes_ms, [this, login, &to] {
    if (login->trial != 0) --login->belief->trials_under_way;
    met(login, to);
  });
}

void Logins::met(const LoginPtr& login, Server& at) {
  if (at.truth != Truth::well) return failed(login, at);
  settle(login, at);
}

// The backend has said yes; it may be gone when that counts.
void Logins::settle(const LoginPtr& login, Server& at) {
  if (at.truth == Truth::dead) return failed(login, at);
  switch (login->way->settle()) {
    case Bonds::Answer::later:
      return ask_again(login, [this, login, &at] { settle(login, at); });
    case Bonds::Answer::no:
      return go_on(login, false);
    case Bonds::Answer::yes:
      break;
  }
  at.failing = false;
  Belief& belief = *login->belief;
  note(at, belief, belief.health.good(story_.now_ms(), Depth::login, std::exchange(login->trial, 0)));
  begin(*login, at);
}

void Logins::failed(const LoginPtr& login, Server& at) {
  at.failing = true;
  Belief& belief = *login->belief;
  const Health::Trial trial = std::exchange(login->trial, 0);
  belief.trials += trial != 0 ? 1 : 0;
  Depth depth = at.truth == Truth::silent ? Depth::greeting : Depth::connect;
  note(at, belief, belief.health.bad(story_.now_ms(), depth, "made up", login->user + 1, trial));
  oracle_.tried_in_vain(at, belief);
  login->asked.push_back(&at);
  go_on(login, true);
}

void Logins::ask_again(const LoginPtr& login, std::function<void()> what) {
  if (login->asks_since_ms == 0) login->asks_since_ms = story_.now_ms();
  if (story_.now_ms() >= login->asks_since_ms + kLedgerMs) return refuse(login, Count::undecided);
  ++story_.count(Count::asked_again);
  story_.time.in(kTickMs, std::move(what));
}

void Logins::note(Server& server, Belief& belief, const SharedHealth::Change& change) {
  if (!change || change->now != HealthState::down || &belief != server.belief.get()) return;
  if (change->before == HealthState::slow_start) return;  // the same outage
  belief.trials = 0;
  belief.fell_ms = story_.now_ms();
}

void Logins::drop_trial(Login& login) {
  if (login.belief != nullptr) login.belief->health.dropped(std::exchange(login.trial, 0));
  login.belief = nullptr;
}

void Logins::go_on(const LoginPtr& login, bool strands) {
  drop_trial(*login);
  rooms_.leave(*login);
  oracle_.unbound(login->who.user);
  try_next(login, strands);
}

void Logins::try_next(const LoginPtr& login, bool strands) {
  bool late = story_.now_ms() - login->began_ms >= kLoginMs;
  const auto next = late ? Bonds::Answer::no : login->way->go_on();
  if (next == Bonds::Answer::later) return ask_again(login, [this, login, strands] { try_next(login, strands); });
  if (next == Bonds::Answer::yes) {
    oracle_.unbound(login->who.user);  // a session of his may have ended while nobody answered
    ++story_.count(Count::retries);
    return try_candidate(login);
  }
  if (strands && strand(login)) return;
  refuse(login, Count::refused);
}

// His sessions bind him to a backend that cannot be reached: he waits, once, for them to be let go.
bool Logins::strand(const LoginPtr& login) {
  if (login->stranded || !login->way->is_held() || login->way->route().candidates.size() < 2) return false;
  Ledger& ledger = door_.ledger;
  const uint64_t until_ms = story_.now_ms() + kStrandedMs;
  if (!ledger.holds.hold(login->who.user, Holds::By::login, until_ms)) return false;
  oracle_.holds(login->who.user, Holds::By::login, until_ms);
  ++story_.count(Count::stranded);
  login->stranded = true;
  leave_backend(*login);
  find_backend(login);
  return true;
}

void Logins::leave_backend(Login& login) {
  if (login.trying && --trying_[login.who.user] == 0) trying_.erase(login.who.user);
  login.trying = false;
  if (login.way) login.way->release();
}

void Logins::refuse(const LoginPtr& login, Count what) {
  if (what == Count::refused) oracle_.refused(*login);
  bool stays = what == Count::refused && login->way && login->way->is_held();
  drop_trial(*login);
  rooms_.leave(*login);
  ++story_.count(stays ? Count::held : what);
  leave_backend(*login);
  oracle_.gone(*login);
  login->waiting.release();
  login->user_seat.release();
  login->door_seat.release();
}

void Logins::probe(Server& server) {
  std::shared_ptr<Belief> belief = server.belief;
  if (belief->health.calm()) return;
  auto admission = belief->health.admit(story_.now_ms(), kLeaseMs);
  if (!admission.admitted) return;
  const bool silent = server.truth == Truth::silent;
  if (admission.trial != 0) oracle_.trial(server, ++belief->trials_under_way);
  story_.time.in(silent ? 5'000 : 1 + story_.roll(20), [this, &server, belief, silent, trial = admission.trial] {
    if (trial != 0) --belief->trials_under_way;
    const uint64_t now_ms = story_.now_ms();
    bool well = !silent && server.truth == Truth::well;
    if (well) return note(server, *belief, belief->health.good(now_ms, Depth::greeting, trial));
    belief->trials += trial != 0 ? 1 : 0;
    Depth depth = silent ? Depth::greeting : Depth::connect;
    note(server, *belief, belief->health.bad(now_ms, depth, "made up", 0, trial));
    oracle_.tried_in_vain(server, *belief);
  });
}

}  // namespace postigo::sim
