// Not here: the walk over a worker's sessions (worker.cc), what a session is asked for (session/listing.cc).
#include "proxy/control/verbs_sessions.h"

#include <atomic>
#include <mutex>
#include <nlohmann/json.hpp>

#include "proxy/control/control_thread.h"
#include "proxy/session/listing.h"
#include "proxy/session/session.h"

namespace postigo {
namespace {

constexpr uint64_t kRows = 1000;

SessionFilter filter_of(const Json& parameters) {
  SessionFilter filter;
  filter.user = parameters.value("user", "");
  filter.id = parameters.value("id", "");
  filter.address = parameters.value("address", "");
  filter.backend = parameters.value("backend", "");
  filter.listener = parameters.value("listener", "");
  filter.protocol = parameters.value("protocol", "");
  return filter;
}

// Rows of several workers' threads.
struct Rows {
  std::mutex mutex;
  std::vector<SessionRow> rows;
  uint64_t left;  // as many may still come
};

Json json_of(const SessionRow& row) {
  return {{"id", row.id},           {"user", row.user},         {"authenticated", row.authenticated},
          {"client", row.client},   {"listener", row.listener}, {"protocol", row.protocol},
          {"tls", row.tls},         {"phase", row.phase},       {"backend", row.backend},
          {"seconds", row.seconds}, {"bytes_in", row.bytes_in}, {"bytes_out", row.bytes_out}};
}

struct Kick {
  SessionFilter filter;
  std::atomic<uint64_t> ended{0};
};

void end_all(ControlThread& control, SessionFilter filter, std::function<void(uint64_t)> then) {
  auto kick = std::make_shared<Kick>();
  kick->filter = std::move(filter);
  control.walk(
      [kick](Session& session) {
        if (!session.closing() && kick->filter.fits(session)) {
          session.shut_down(CloseReason::kicked);
          ++kick->ended;
        }
        return true;
      },
      [kick, then = std::move(then)] { then(kick->ended); });
}

}  // namespace

void who(ControlThread& control, const Json& parameters, const std::string&, VerbDone done) {
  auto all = std::make_shared<Rows>();
  all->left = parameters.value("limit", kRows);
  control.walk(
      [all, filter = filter_of(parameters)](Session& session) {
        if (!filter.fits(session)) return true;
        std::lock_guard lock(all->mutex);
        if (all->left == 0) return false;
        --all->left;
        all->rows.push_back(row_of(session));
        return true;
      },
      [all, done = std::move(done)] {
        Json rows = Json::array();
        for (const SessionRow& row : all->rows) rows.push_back(json_of(row));
        done(200, {{"sessions", rows}});
      });
}

void kick(ControlThread& control, const Json& parameters, const std::string&, VerbDone done) {
  SessionFilter filter = filter_of(parameters);
  if (filter.empty()) return done(422, {{"error", "whom? give at least one filter"}});
  end_all(control, std::move(filter), [done = std::move(done)](uint64_t ended) { done(200, {{"ended", ended}}); });
}

void set_backend(ControlThread& control, const Json& parameters, const std::string&, VerbDone done) {
  std::string name = parameters.at("name"), word = parameters.at("state");
  const Backend* backend = control.running().snapshot->find_backend(name);
  if (backend == nullptr) return done(404, {{"error", "there is no backend \"" + name + "\""}});
  control.orders().set(*backend->state, *wanted_of(word));
  auto failure = std::make_shared<std::string>();
  auto kept = [&control, name, word, failure, done = std::move(done)](uint64_t ended) {
    Json answer = {{"name", name}, {"state", word}, {"ended", ended}};
    if (control.orders().file().empty()) answer["note"] = "forgotten at a restart: there is no [server] state_file";
    if (!failure->empty()) answer["note"] = "forgotten at a restart: " + *failure;
    done(200, answer);
  };
  auto then = [&control, name, word, kept] {
    if (word != "down") return kept(0);
    end_all(control, {.backend = name}, kept);
  };
  control.chore(
      [failure, file = control.orders().file(), text = control.orders().text()] {
        if (auto written = StandingOrders::write(file, text); !written) *failure = written.error().message;
      },
      then);
}

}  // namespace postigo
