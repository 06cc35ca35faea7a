// One login after the other, as proxy/session does it, with the same parts. Not here: what goes on in the world
// (world.cc), what must never be (checks.cc).
#include "tests/sim/platform.h"

#include <algorithm>

#include "tests/sim/session.h"

namespace postigo::sim {
namespace {

constexpr uint64_t kLeaseMs = 14'000;       // of a trial: connect, login and a second
constexpr uint64_t kSilenceMs = 10'000;     // a login is waited for
constexpr uint64_t kLapseMs = 15 * 60'000;  // affinity_time

}  // namespace

Platform::Platform(uint64_t seed, const Scale& scale)
    : scale_(scale),
      random_(seed),
      affinity_(scale.users * 2, {seed, 1}, [this] { return time_.now_ms(); }),
      seats_({seed, 2}) {
  user_sessions_max_ = scale.sessions_max != 0 ? scale.sessions_max : 3 + roll(10);
  make_configuration();
}

Platform::~Platform() = default;

const std::vector<std::string>& Platform::run() {
  schedule();
  while (time_.step()) {
    if (wrong_.size() >= 20) break;
  }
  if (wrong_.empty()) check_end();
  return wrong_;
}

Claim Platform::claim(const Server& server) const {
  Claim now{takes_logins(server.wanted), server.weight, server.sessions.size()};
  if (server.wanted != Wanted::automatic || server.health.calm()) return now;
  SharedHealth::View view = server.health.view(time_.now_ms());
  now.serves = view.state != HealthState::down || view.trial_due;
  if (view.state == HealthState::slow_start) now.share = now.share * view.share / 100;
  return now;
}

void Platform::log_in(size_t user) {
  ++numbers_.logins;
  auto login = std::make_shared<Login>();
  login->user = user;
  login->name = user_name(user);
  login->began_ms = time_.now_ms();
  const Seats::Bound bound{SeatKind::user, login->name, user_sessions_max_};
  auto taken = seats_.take({&bound, 1});
  if (taken.ok != (of_user_[user] < user_sessions_max_))
    wrong("a seat that was not there, or none where there was one");
  if (!taken.ok) {
    ++numbers_.full;
    return;
  }
  ++of_user_[user];
  login->seat = std::move(taken.seat);
  auto route = router_->route({login->name, std::string(pool_of(user)), {}, {}, true}, "imap", 0);
  if (!route) return wrong("no route: " + route.error().message);
  Selection::World world{*router_,
                         {},
                         [this](const config::Backend& each) { return claim(server(each)); },
                         [this] { return random_(); },
                         [this] { return turns_++; }};
  Selection(world).order(*route, login->name, "imap");
  login->way.emplace(std::move(*route),
                     Candidates::Backends{[this](const config::Backend& each) { return server(each).slot; },
                                          [this](Affinity::Slot slot) -> const config::Backend* {
                                            for (const config::Backend& each : live_.backends) {
                                              if (server(each).slot == slot) return &each;
                                            }
                                            return nullptr;
                                          }});
  if (pool_of(user) != "spread") login->way->bind(affinity_, login->name, {kLapseMs, false});
  ++under_way_;
  try_candidate(login);
}

void Platform::try_candidate(const std::shared_ptr<Login>& login) {
  const config::Backend& candidate = login->way->candidate();
  Server& to = server(candidate);
  bool follows = to.wanted == Wanted::drain && login->way->is_held();
  if (!takes_logins(to.wanted) && !follows) return go_on(login);
  Health::Trial trial = 0;
  if (to.wanted == Wanted::automatic) {
    auto admission = to.health.admit(time_.now_ms(), kLeaseMs);
    if (!admission.admitted) return go_on(login);
    trial = admission.trial;
  }
  check_choice(*login, to);
  connect(login, to, trial);
}

// What a connection meets is what is true when its answer comes.
void Platform::connect(const std::shared_ptr<Login>& login, Server& to, Health::Trial trial) {
  if (trial != 0) {
    ++numbers_.trials;
    if (++to.tries_while_down > 1) wrong("two trials at once at " + to.name);
  }
  uint64_t takes_ms = to.truth == Truth::silent ? to.health.patience_ms() : 1 + roll(20);
  bool silent = to.truth == Truth::silent;
  time_.in(takes_ms, [this, login, &to, trial, silent] {
    if (trial != 0) --to.tries_while_down;
    met(login, to, silent ? Truth::silent : to.truth, trial);
  });
}

void Platform::met(const std::shared_ptr<Login>& login, Server& at, Truth truth, Health::Trial trial) {
  const uint64_t now_ms = time_.now_ms();
  if (truth == Truth::well) {
    if (!login->way->settle()) {
      at.health.dropped(trial);
      return go_on(login);
    }
    at.health.good(now_ms, Depth::login, trial);
    return begin(login, at);
  }
  Depth depth = truth == Truth::dead ? Depth::connect : Depth::greeting;
  at.health.bad(now_ms, depth, "made up", login->user + 1, trial);
  login->asked.push_back(&login->way->candidate());
  go_on(login);
}

void Platform::go_on(const std::shared_ptr<Login>& login) {
  bool late = time_.now_ms() - login->began_ms > kSilenceMs * 6;
  if (late || !login->way->go_on()) return refuse(login);
  ++numbers_.retries;
  try_candidate(login);
}

void Platform::refuse(const std::shared_ptr<Login>& login) {
  check_refusal(*login);
  ++numbers_.refused;
  --under_way_;
  --of_user_[login->user];
  login->seat.release();
  login->way->release();
}

// As the control thread does while something is wrong: to the greeting.
void Platform::probe(Server& server) {
  if (server.health.calm()) return;
  auto admission = server.health.admit(time_.now_ms(), kLeaseMs);
  if (!admission.admitted) return;
  const bool silent = server.truth == Truth::silent;
  time_.in(silent ? 5'000 : 1 + roll(20), [this, &server, silent, trial = admission.trial] {
    bool well = !silent && server.truth == Truth::well;
    Depth depth = well || silent ? Depth::greeting : Depth::connect;
    well ? server.health.good(time_.now_ms(), depth, trial)
         : server.health.bad(time_.now_ms(), depth, "made up", 0, trial);
  });
}

void Platform::begin(const std::shared_ptr<Login>& login, Server& at) {
  ++numbers_.served;
  --under_way_;
  auto session = std::make_unique<Session>();
  session->number = ++next_session_;
  session->user = login->user;
  session->at = &at;
  session->bond = login->way->take_bond();
  session->seat = std::move(login->seat);
  if (session->bond != nullptr) {
    Pin& pin = pins_[login->user];
    if (pin.count++ == 0) pin.slot = at.slot;
    if (pin.slot != at.slot) wrong(login->name + " is at " + at.name + " and at " + by_slot_[pin.slot]->name);
  }
  uint64_t number = session->number;
  at.sessions.emplace(number, session.get());
  sessions_.emplace(number, std::move(session));
  // Most are short; some stay in IDLE for long.
  uint64_t lasts_ms = roll(3) == 0 ? roll(3'600'000) : roll(120'000);
  time_.in(lasts_ms, [this, number] {
    if (auto found = sessions_.find(number); found != sessions_.end()) end(*found->second);
  });
}

void Platform::end(Session& session) {
  if (session.bond != nullptr && --pins_[session.user].count == 0) pins_.erase(session.user);
  if (--of_user_[session.user] == 0) of_user_.erase(session.user);
  session.at->sessions.erase(session.number);
  sessions_.erase(session.number);
}

}  // namespace postigo::sim
