// An order and its file. Not here: what is written of a session (session/trace.cc).
#include "proxy/control/verbs_trace.h"

#include <nlohmann/json.hpp>

#include "backends/router.h"
#include "config/network.h"
#include "config/units.h"
#include "proxy/control/control_thread.h"
#include "proxy/control/verbs.h"
#include "proxy/session/trace.h"

namespace postigo {
namespace {

constexpr uint64_t kForMs = 5 * 60'000;
constexpr uint64_t kForMaxMs = 24 * 3600'000;

// An address or a network, else a user as he would log in; none: `done` was told why.
std::optional<Traces::Order> order_of(ControlThread& control, const std::string& whom, const VerbDone& done) {
  if (auto network = config::parse_network(whom)) return Traces::Order{*network, "", nullptr};
  auto user = user_of(control, {{"user", whom}}, done);
  if (!user) return std::nullopt;
  return Traces::Order{std::nullopt, *user, nullptr};
}

// What speaks against it, or empty.
std::string obstacle(ControlThread& control, uint64_t for_ms) {
  if (control.running().config.live.trace_folder.empty()) return "there is no [admin] trace_folder";
  if (for_ms == 0 || for_ms > kForMaxMs) return "for: must be longer than 0 and at most 1d";
  if (control.traces().full()) return "as many traces as may be are under way";
  return {};
}

}  // namespace

void trace(ControlThread& control, const Json& parameters, const std::string&, VerbDone done) {
  uint64_t for_ms = parameters.value("for", kForMs);
  if (std::string why = obstacle(control, for_ms); !why.empty()) return done(409, {{"error", why}});
  auto order = order_of(control, parameters.at("whom"), done);
  if (!order) return;
  auto opened = std::make_shared<Result<std::shared_ptr<TraceFile>>>(nullptr);
  control.chore(
      [opened, for_ms, folder = control.running().config.live.trace_folder] {
        *opened = TraceFile::open(folder, TraceFile::Clock::now() + std::chrono::milliseconds(for_ms));
      },
      [&control, opened, order = std::move(*order), for_ms, done = std::move(done)]() mutable {
        if (!*opened) return done(409, {{"error", opened->error().message}});
        order.file = **opened;
        Json answer = {
            {"file", order.file->path()},
            {"sessions", order.network ? "new ones from there" : "of " + order.user + ", from the next login on"},
            {"for", config::format_duration(for_ms)}};
        control.traces().add(std::move(order));
        done(200, answer);
      });
}

}  // namespace postigo
