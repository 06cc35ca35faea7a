// One walk, and the same of those who serve no more. Not here: why users are to go (mover.cc, flush.cc).
#include "proxy/control/census.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>

#include "proxy/control/control_thread.h"
#include "proxy/session/session.h"

namespace postigo {
namespace {

// It has a backend, or may have one without being asked again.
bool is_at_a_backend(const Session& session) {
  switch (session.phase()) {
    case Phase::connect:
    case Phase::backend_tls:
    case Phase::backend_login:
    case Phase::relay:
      return true;
    default:
      return false;
  }
}

// Shared by the workers' threads.
struct Counts {
  struct Count {
    std::atomic<uint64_t> left{0}, ended{0};
  };
  NameMap<Count> users;  // made before the walk

  void visit(Session& session) {
    auto found = users.find(session.summary().user);
    if (found == users.end() || !is_at_a_backend(session)) return;
    ++found->second.left;
    if (!session.relaying()) return;  // a login that is under way; it goes as soon as it is in
    ++found->second.ended;
    session.shut_down(CloseReason::kicked);
  }
};

void evict_from_workers(ControlThread& control, const std::vector<std::string>& users,
                        std::function<void(Eviction)> then) {
  auto counts = std::make_shared<Counts>();
  for (const std::string& user : users) counts->users[user];
  control.walk(
      [counts](Session& session) {
        counts->visit(session);
        return true;
      },
      [counts, then = std::move(then)] {
        Eviction eviction;
        for (const auto& [user, count] : counts->users) eviction.users[user] = {count.left, count.ended};
        then(std::move(eviction));
      });
}

struct Found {
  std::mutex mutex;
  std::set<std::string> users;
};

void find_at_workers(ControlThread& control, const std::string& backend,
                     std::function<void(std::set<std::string>)> then) {
  auto found = std::make_shared<Found>();
  control.walk(
      [found, backend](Session& session) {
        if (session.summary().backend != backend || !session.relaying()) return true;
        std::lock_guard lock(found->mutex);
        found->users.insert(session.summary().user);
        return true;
      },
      [found, then = std::move(then)] { then(std::move(found->users)); });
}

// An answer that is none is missing. `read` throws what JSON throws.
template <typename Read>
std::vector<std::string> read_all(const Predecessors::Answers& answers, Read read) {
  std::vector<std::string> missing = answers.missing;
  for (const Predecessors::Answer& each : answers.given) {
    try {
      read(each.body);
    } catch (const Json::exception&) {
      missing.push_back(not_understood(each));
    }
  }
  return missing;
}

}  // namespace

void evict_users(ControlThread& control, const std::vector<std::string>& users, std::function<void(Eviction)> then) {
  evict_from_workers(control, users, [&control, users, then = std::move(then)](Eviction here) {
    auto all = std::make_shared<Eviction>(std::move(here));
    control.predecessors().ask("evict", {{"users", users}}, [all, then](const Predecessors::Answers& answers) {
      all->missing = read_all(answers, [&](const Json& body) {
        for (const Json& row : body.at("users")) {
          Evicted& user = all->users[row.at("user").get<std::string>()];
          user.left += row.at("left").get<uint64_t>();
          user.ended += row.at("ended").get<uint64_t>();
        }
      });
      then(std::move(*all));
    });
  });
}

// Who has not logged in yet here may do so still, and would find the user where he was: so his logins wait here, until
// the last of them had to be in. Others are the successor's.
void evict_here(ControlThread& control, const Json& parameters, const std::string&, VerbDone done) {
  auto users = parameters.at("users").get<std::vector<std::string>>();
  const uint64_t until_ms = control.loop().now_ms() + control.running().config.live.limits.login_timeout_ms;
  for (const std::string& user : users) {
    if (control.ledger().holds.hold(user, Holds::By::mover, until_ms)) continue;
    return done(409, {{"error", "too many users are on hold there"}});
  }
  evict_from_workers(control, users, [done = std::move(done)](const Eviction& eviction) {
    Json rows = Json::array();
    for (const auto& [user, count] : eviction.users) {
      rows.push_back({{"user", user}, {"left", count.left}, {"ended", count.ended}});
    }
    done(200, {{"users", std::move(rows)}});
  });
}

void find_occupants(ControlThread& control, const std::string& backend, std::function<void(Occupants)> then) {
  find_at_workers(control, backend, [&control, backend, then = std::move(then)](std::set<std::string> here) {
    auto all = std::make_shared<Occupants>();
    all->users = std::move(here);
    control.predecessors().ask("occupants", {{"backend", backend}}, [all, then](const Predecessors::Answers& answers) {
      all->missing = read_all(answers, [&](const Json& body) {
        for (const Json& user : body.at("users")) all->users.insert(user.get<std::string>());
      });
      then(std::move(*all));
    });
  });
}

void occupants_here(ControlThread& control, const Json& parameters, const std::string&, VerbDone done) {
  find_at_workers(control, parameters.at("backend").get<std::string>(),
                  [done = std::move(done)](const std::set<std::string>& users) {
                    done(200, {{"users", users}});
                  });
}

}  // namespace postigo
