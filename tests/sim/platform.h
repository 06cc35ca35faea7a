// Platform: a mail platform in small or in large, whose time passes in an instant: backends that die, hang and come
// back, operators who drain and weigh them, shards that come and go, and users who log in all the while. Every decision
// is made by the code that Postigo runs (Router, Selection, SharedHealth, Candidates, Affinity, Seats); what the world
// answers is made up from a seed. What must never be is looked for at every step.
//
// Single thread. The same seed gives the same story.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "backends/balance/selection.h"
#include "backends/balance/shared_health.h"
#include "backends/ledger/affinity.h"
#include "backends/ledger/candidates.h"
#include "backends/ledger/seats.h"
#include "backends/router.h"
#include "tests/sim/timeline.h"

namespace postigo::sim {

struct Scale {
  size_t backends = 60;
  size_t users = 3'000;
  size_t logins = 4'000;    // of the whole story
  uint64_t minutes = 60;    // that it takes
  size_t sessions_max = 0;  // of a user; 0: as drawn from the seed
};

// What happened, for people.
struct Numbers {
  uint64_t logins = 0, served = 0, refused = 0, held = 0, full = 0, retries = 0, trials = 0, deaths = 0, hangs = 0,
           orders = 0, reloads = 0, most_sessions = 0, most_bonds = 0;
};

class Platform {
 public:
  Platform(uint64_t seed, const Scale& scale);
  ~Platform();
  Platform(const Platform&) = delete;
  Platform& operator=(const Platform&) = delete;

  // The whole story. Empty: nothing was wrong. Else what was, with the moment.
  const std::vector<std::string>& run();
  const Numbers& numbers() const { return numbers_; }

 private:
  enum class Truth : uint8_t { well, dead, silent };
  enum class Wanted : uint8_t { automatic, ready, drain, down };
  struct Session;
  struct Login;
  struct Server {
    Server(std::string called, uint32_t number, uint64_t seed, uint64_t now_ms)
        : name(std::move(called)), slot(number), health(seed, now_ms) {}
    const std::string name;
    const uint32_t slot;
    SharedHealth health;
    Truth truth = Truth::well;
    uint64_t well_since_ms = 0;
    Wanted wanted = Wanted::automatic;
    unsigned weight = 100;
    std::map<uint64_t, Session*> sessions;  // by number
    unsigned tries_while_down = 0;          // under way
  };
  struct Pin {
    uint32_t slot = 0;
    unsigned count = 0;
  };

  // --- the world ---
  uint64_t roll(uint64_t below) { return random_() % below; }
  void make_configuration();
  void schedule();
  void fail_one();
  void recover(Server& server);
  void end_all(Server& server);
  void order_one();
  void reload();
  void check_moved(const Router& before, double ideal);
  std::string user_name(size_t number) const { return "u" + std::to_string(number); }
  std::string_view pool_of(size_t user) const;

  // --- Postigo's part ---
  Claim claim(const Server& server) const;
  static bool takes_logins(Wanted wanted) { return wanted == Wanted::automatic || wanted == Wanted::ready; }
  Server& server(const config::Backend& backend) { return *servers_.at(backend.name); }
  void log_in(size_t user);
  void try_candidate(const std::shared_ptr<Login>& login);
  void connect(const std::shared_ptr<Login>& login, Server& to, Health::Trial trial);
  void met(const std::shared_ptr<Login>& login, Server& at, Truth truth, Health::Trial trial);
  void go_on(const std::shared_ptr<Login>& login);
  void refuse(const std::shared_ptr<Login>& login);
  void probe(Server& server);
  void begin(const std::shared_ptr<Login>& login, Server& at);
  void end(Session& session);

  // --- what must never be ---
  void wrong(const std::string& what);
  void check_choice(const Login& login, const Server& to);
  void check_refusal(const Login& login);
  void check_bounds();
  void check_end();

  const Scale scale_;
  std::mt19937_64 random_;
  Timeline time_;
  config::Live live_;
  std::unique_ptr<Router> router_;
  std::vector<std::unique_ptr<Router>> old_;  // routes of logins under way point into them
  std::map<std::string, std::unique_ptr<Server>, std::less<>> servers_;
  std::vector<Server*> by_slot_;
  Affinity affinity_;
  Seats seats_;
  uint64_t user_sessions_max_ = 0;
  std::unordered_map<uint64_t, std::unique_ptr<Session>> sessions_;
  std::unordered_map<size_t, Pin> pins_;          // of users with bonds: where their sessions are
  std::unordered_map<size_t, unsigned> of_user_;  // sessions and logins that have a seat
  uint64_t next_session_ = 0, turns_ = 0, under_way_ = 0;
  Numbers numbers_;
  std::vector<std::string> wrong_;
};

}  // namespace postigo::sim
