// World: the machines of a platform as they are, and the file that configures it: who is well, dead or silent, and who
// has a name that leads nowhere for a while. Beside each stands what our door believes of it and what operators want.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "backends/balance/departures.h"
#include "backends/balance/occupancy.h"
#include "backends/balance/shared_health.h"
#include "config/config.h"
#include "tests/sim/story.h"

namespace postigo::sim {

enum class Truth : uint8_t {
  well,
  dead,    // refuses, and its sessions are gone
  silent,  // accepts, and says nothing
  astray,  // its name has a new address, which we do not know yet: refuses, but its sessions go on
};
enum class Wanted : uint8_t { automatic, ready, drain, down };
constexpr bool takes_logins(Wanted wanted) { return wanted == Wanted::automatic || wanted == Wanted::ready; }

struct Session;

// What one process believes of a machine.
struct Belief {
  Belief(uint64_t seed, uint64_t now_ms) : health(seed, now_ms) {}
  SharedHealth health;
  unsigned trials_under_way = 0;
  uint64_t trials = 0;  // since `fell_ms`
  uint64_t fell_ms = 0;
};

struct Server {
  std::string name;
  uint32_t slot = 0;
  Truth truth = Truth::well;
  uint64_t truth_since_ms = 0;
  bool failing = false;  // the last connection there failed
  Wanted wanted = Wanted::automatic;
  uint64_t wanted_since_ms = 0;
  unsigned weight = 100;
  Occupancy room;
  std::shared_ptr<Belief> belief;         // that of a successor is another one
  std::map<uint64_t, Session*> sessions;  // by number
  Departures lost;
  uint64_t lost_ms = 0;  // when its sessions began to depart

  bool is_well_since(uint64_t ms) const { return truth == Truth::well && truth_since_ms <= ms; }
  bool is_wanted_since(uint64_t ms) const { return takes_logins(wanted) && wanted_since_ms <= ms; }
};

class World {
 public:
  explicit World(Story& story);

  void schedule();  // failures of the whole story
  // Who loses its sessions when a server dies, over some time or (`at_once`) not.
  std::function<void(Server&, bool at_once)> on_loss = [](Server&, bool) {};

  config::Live live;
  const std::vector<std::unique_ptr<Server>>& servers() const { return servers_; }
  Server& of(const std::string& name) { return *by_name_.at(name); }
  const Server& of(const std::string& name) const { return *by_name_.at(name); }
  Server& any() { return *servers_[story_.roll(servers_.size())]; }
  config::Pool& pool(std::string_view name);
  // Names of all in the pool.
  std::vector<std::string> members(const config::Pool& pool) const;
  HealthTerms terms;

  // What a backend allows itself, and how many of it are ready, as the file says now.
  const config::Backend& terms_of(const Server& server) const { return live.backends[server.slot]; }
  void draw_room(config::Backend& backend);
  static constexpr uint64_t kLineMost = 30, kLinePatienceMs = 3'000;

 private:
  void add_backend(size_t i);
  uint64_t usual_sessions() const;
  void fail_one();
  void recover(Server& server);
  void set(Server& server, Truth truth);

  Story& story_;
  std::vector<std::unique_ptr<Server>> servers_;
  std::map<std::string, Server*, std::less<>> by_name_;
};

}  // namespace postigo::sim
