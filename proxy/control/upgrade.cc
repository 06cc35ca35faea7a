// ControlThread's succession: what this process gives to the one that takes its place, and what becomes of it then. Not
// here: the conversation (succession.cc), the successor's side (inheritance.cc).
#include <fmt/format.h>
#include <unistd.h>

#include <array>

#include "proxy/base/events.h"
#include "proxy/control/control_thread.h"
#include "proxy/control/notify.h"

namespace postigo {
namespace {

constexpr size_t kPenaltyOctets = 8 * 1024 * 1024;
constexpr std::string_view kSuccessionPath = "/api/v1/succession";

}  // namespace

// As it was started: the file may be another one by the time it is needed.
std::string path_of_program() {
  std::array<char, 4096> path{};
  ssize_t size = readlink("/proc/self/exe", path.data(), path.size());
  return size > 0 ? std::string(path.data(), static_cast<size_t>(size)) : "";
}

// From now on the successor may ask who is here, and those before us: so we ask them nothing more.
Result<Estate> ControlThread::estate() {
  auto link = successor_.expect();
  if (!link) return tl::unexpected(link.error());
  Estate estate;
  estate.links = predecessors_.hand_on();
  estate.links.push_back(std::move(*link));
  estate.sockets = doors_.copies();
  estate.keys = prepared_.lasting->keys->all();
  estate.orders = orders_.text(true);
  estate.services = *prepared_.lasting->srv.get();
  estate.bonds = keeper_.text(running_.config.live);
  estate.penalties = shared_->penalties.text(running_.snapshot->penalty, kPenaltyOctets, loop_.now_ms());
  estate.key = shared_->key;
  for (const auto& [name, endpoints] : prepared_.lasting->activated) {
    for (const config::Endpoint& endpoint : endpoints) estate.names[name].push_back(socket_name(endpoint));
  }
  return estate;
}

std::string ControlThread::why_not_now() const {
  if (drain_.ending()) return "the process ends";
  if (drain_.handed_over()) return "another process has taken this one's place";
  if (succession_.under_way()) return "an upgrade is under way";
  return {};
}

// A successor would let in whom this process keeps waiting.
std::string ControlThread::why_no_successor() const {
  bool moving = mover_.under_way() > 0 || flush_.running() || shared_->ledger.holds.size() > 0;
  std::string why = why_not_now();
  return why.empty() && moving ? "users are being moved, or on hold" : why;
}

void ControlThread::upgrade(const std::string& cause, UpgradeDone done) {
  std::string refusal = why_no_successor();
  Result<Estate> given = refusal.empty() ? estate() : fail(refusal);
  if (!given) {
    log::write(events::upgrade_failed, {{"cause", cause}, {"detail", given.error().message}});
    return done(given.error().message, 0);
  }
  log::write(events::upgrading, {{"cause", cause}, {"program", program_}});
  succession_.start({program_, "serve", "-c", running_.file}, *given, running_.config.live.leaving.upgrade_timeout_ms,
                    [this, cause, done = std::move(done)](const std::string& failure, pid_t successor) {
                      succeeded(cause, failure, successor);
                      done(failure, successor);
                    });
}

// Whoever gets the keys of our tickets and our ports has to be who we are, or root: a group is not enough.
bool ControlThread::asks_for_succession(const Http::Request& request, const Http::Answer& answer) {
  if (request.path != kSuccessionPath) return false;
  bool ours = request.uid && (*request.uid == 0 || *request.uid == geteuid());
  std::string refusal = request.method != "POST" ? "POST it"
                        : ours                   ? why_no_successor()
                                                 : "only this account and root may";
  if (!refusal.empty()) {
    answer({409, "text/plain; charset=utf-8", refusal + "\n"});
    return true;
  }
  log::write(events::upgrading, {{"cause", "takeover"}, {"program", ""}});
  answer({.status = 101, .taken = [this](int fd) { give(Descriptor(fd)); }});
  return true;
}

// Since it was allowed to, somebody may have begun to move a user.
void ControlThread::give(Descriptor conversation) {
  std::string refusal = why_no_successor();
  Result<Estate> given = refusal.empty() ? estate() : fail(refusal);
  if (!given) return log::write(events::upgrade_failed, {{"cause", "takeover"}, {"detail", given.error().message}});
  succession_.give(std::move(conversation), *given, running_.config.live.leaving.upgrade_timeout_ms,
                   [this](const std::string& failure, pid_t successor) { succeeded("takeover", failure, successor); });
}

void ControlThread::succeeded(const std::string& cause, const std::string& failure, pid_t successor) {
  if (!failure.empty()) {
    predecessors_.go_on();
    successor_.forget();
    return log::write(events::upgrade_failed, {{"cause", cause}, {"detail", failure}});
  }
  discovery_.close();
  log::write(events::handed_over, {{"cause", cause}, {"pid", successor}});
  notify(fmt::format("MAINPID={}", successor));
  notify_no_more();
  reloader_->stop();
  watchdog_.close();
  for (Http* api : {api_.get(), api_by_token_.get()}) {
    if (api != nullptr) api->stop_listening();
  }
  if (oracle_) oracle_->stop_listening();
  admin_.reset();
  mirror_.close();
  predecessors_.close();
  drain_.hand_over(running_.config.live.leaving.upgrade_drain_time_ms);
}

}  // namespace postigo
