// Not here: the walk over a worker's sessions (session/roll.cc), what a session is asked for (session/listing.cc).
#include "proxy/control/verbs_sessions.h"

#include <unistd.h>

#include <mutex>
#include <nlohmann/json.hpp>

#include "proxy/control/control_thread.h"
#include "proxy/control/let_go.h"
#include "proxy/control/verbs.h"
#include "proxy/session/listing.h"
#include "proxy/session/session.h"

namespace postigo {
namespace {

// Null, and `done` was told why.
std::optional<SessionFilter> filter_of(const ControlThread& control, const Json& parameters, const VerbDone& done) {
  SessionFilter filter;
  filter.user = parameters.value("user", "");
  filter.login = control.running().snapshot->router->normalise(filter.user).value_or("");
  filter.id = parameters.value("id", "");
  filter.backend = parameters.value("backend", "");
  filter.listener = parameters.value("listener", "");
  filter.protocol = parameters.value("protocol", "");
  if (std::string text = parameters.value("address", ""); !text.empty()) {
    auto network = config::parse_network(text);
    if (!network) {
      done(422, {{"error", "address: " + network.error().message}});
      return std::nullopt;
    }
    filter.network = *network;
  }
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
          {"seconds", row.seconds}, {"bytes_in", row.bytes_in}, {"bytes_out", row.bytes_out},
          {"pid", getpid()}};
}

}  // namespace

void who(ControlThread& control, const Json& parameters, const std::string&, VerbDone done) {
  auto filter = filter_of(control, parameters, done);
  if (!filter) return;
  auto all = std::make_shared<Rows>();
  all->left = parameters.value("limit", kRowsShown);
  control.walk(
      [all, filter = std::move(*filter)](Session& session) {
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
  auto filter = filter_of(control, parameters, done);
  if (!filter) return;
  if (filter->empty()) return done(422, {{"error", "whom? give at least one filter"}});
  LetGo order{.filter = std::move(*filter), .over_ms = parameters.value("over", uint64_t{0})};
  let_go(control, std::move(order), [done = std::move(done)](LetGone gone) {
    done(200, {{"ended", gone.ended}, {"leaving", gone.leaving}});
  });
}

}  // namespace postigo
