// Not here: the walk over a worker's sessions (session/roll.cc), what a session is asked for (session/listing.cc).
#include "proxy/control/verbs_sessions.h"

#include <unistd.h>

#include <algorithm>
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

uint64_t bytes_of(const SessionRow& row) { return row.bytes_in + row.bytes_out; }
uint64_t bytes_of(Session& session) {
  return session.summary().bytes_from_client + session.summary().bytes_from_backend;
}

// Rows of several workers' threads.
class Rows {
 public:
  Rows(uint64_t most, bool by_bytes) : most_(most), by_bytes_(by_bytes) {}
  // False: no other one is needed. A row is eight strings: made for those alone that stay.
  bool add(Session& session) {
    std::lock_guard lock(mutex_);
    if (rows_.size() < most_) {
      rows_.push_back(row_of(session));
      if (by_bytes_) std::push_heap(rows_.begin(), rows_.end(), said_more);
    } else if (!by_bytes_ || most_ == 0) {
      return false;
    } else if (bytes_of(session) > bytes_of(rows_.front())) {
      std::pop_heap(rows_.begin(), rows_.end(), said_more);
      rows_.back() = row_of(session);
      std::push_heap(rows_.begin(), rows_.end(), said_more);
    }
    return true;
  }
  // Once all are there.
  const std::vector<SessionRow>& take() {
    if (by_bytes_) std::sort_heap(rows_.begin(), rows_.end(), said_more);
    return rows_;
  }

 private:
  // As the order of a heap: its front is who said least.
  static bool said_more(const SessionRow& a, const SessionRow& b) { return bytes_of(a) > bytes_of(b); }

  std::mutex mutex_;
  std::vector<SessionRow> rows_;  // by bytes: a heap
  const uint64_t most_;
  const bool by_bytes_;
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
  auto all = std::make_shared<Rows>(parameters.value("limit", kRowsShown), parameters.contains("by"));
  control.walk(
      [all, filter = std::move(*filter)](Session& session) { return !filter.fits(session) || all->add(session); },
      [all, done = std::move(done)] {
        Json rows = Json::array();
        for (const SessionRow& row : all->take()) rows.push_back(json_of(row));
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
