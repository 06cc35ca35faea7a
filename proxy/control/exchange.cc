// ControlThread's exchange of configurations: a proposal takes effect as a whole, or not at all. Not here: how it was
// read and built (proposal.cc), when (reload.cc), what a worker does with it (worker.cc).
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "config/units.h"
#include "proxy/base/events.h"
#include "proxy/control/control_thread.h"
#include "proxy/control/notify.h"

namespace postigo {
namespace {

void tell_listeners(const std::vector<config::Listener>& these, const std::vector<config::Listener>& others,
                    const log::Event& event) {
  for (const config::Listener& listener : these) {
    for (const config::Endpoint& endpoint : listener.addresses) {
      bool known = std::any_of(others.begin(), others.end(), [&](const config::Listener& other) {
        return other.name == listener.name && other.protocol == listener.protocol &&
               std::find(other.addresses.begin(), other.addresses.end(), endpoint) != other.addresses.end();
      });
      if (known) continue;
      std::string address = config::format_endpoint(endpoint);
      log::write(event, {{"listener", listener.name}, {"protocol", listener.protocol}, {"address", address}});
    }
  }
}

// Takes what only a restart can change out of the proposal; returns those keys.
std::vector<std::string> leave_out(Proposal& proposal, const config::Startup& running) {
  std::vector<std::string> keys;
  for (const config::Change& change : proposal.changes) {
    if (change.needs_restart) keys.push_back(change.key);
  }
  std::erase_if(proposal.changes, [](const config::Change& change) { return change.needs_restart; });
  proposal.config.startup = running;
  return keys;
}

}  // namespace

void ControlThread::reload(Reloader::Order order) { reloader_->ask(std::move(order)); }

// What listens now and did not under `before`, and the other way round.
void ControlThread::announce_listeners(const std::vector<config::Listener>& before) {
  tell_listeners(running_.config.live.listeners, before, events::listening);
  tell_listeners(before, running_.config.live.listeners, events::not_listening);
}

void ControlThread::proposed(Proposal& proposal, const Reloader::Order& order) {
  Reloader::Outcome outcome;
  for (const config::Problem& problem : proposal.problems) {
    outcome.problems.push_back(to_string(problem));
    log::write(problem.fatal ? events::configuration_error : events::configuration_warning,
               {{"detail", outcome.problems.back()}});
  }
  if (proposal.snapshot == nullptr) {
    outcome.refusal = "it has errors";
  } else {
    outcome.left_out = leave_out(proposal, running_.config.startup);
    if (!outcome.left_out.empty() && !order.partial) {
      outcome.refusal = fmt::format("only a restart can change {}", fmt::join(outcome.left_out, ", "));
    }
  }
  outcome.changes = proposal.changes;
  if (outcome.refusal.empty()) outcome.refusal = publish(proposal);
  if (proposal.of_file) note_load(outcome.refusal.empty());
  if (outcome.refusal.empty()) {
    warn_of_expiry();
    directory_watch_.watch(running_.snapshot->directories);
    log::write(events::reloaded,
               {{"cause", order.cause}, {"changes", outcome.changes.size()}, {"hash", shared_->loads.hash()}});
  } else {
    log::write(events::reload_refused, {{"cause", order.cause}, {"detail", outcome.refusal}});
  }
  if (!outcome.refusal.empty()) return answer(order, outcome);
  receipts_.await(mailbox_, [this, order, outcome] { answer(order, outcome); });
}

// Whoever asked may go on: the next login of whichever worker is by what was published.
void ControlThread::answer(const Reloader::Order& order, const Reloader::Outcome& outcome) {
  if (!stopping()) notify("READY=1");
  if (order.then) order.then(outcome);
}

// All or nothing. Why not, or empty.
std::string ControlThread::publish(Proposal& proposal) {
  if (std::string why = why_not_now(); !why.empty()) return why;
  auto doors = doors_.open(proposal.config.live.listeners);
  if (!doors) return doors.error().message;
  if (proposal.config.live.log != running_.config.live.log) {
    if (auto opened = log::open(proposal.config.live.log); !opened) return opened.error().message;
  }
  auto before = std::exchange(running_.config, std::move(proposal.config));
  auto old = std::exchange(running_.snapshot, std::move(proposal.snapshot));
  apply_limits();
  prepared_.lasting->keys->set_rotation(running_.config.live.tls.ticket_rotation_ms);
  sweep();
  for (size_t i = 0; i < workers_.size(); ++i) {
    workers_[i]->make_room();
    workers_[i]->exchange(running_.snapshot, std::move(doors->handouts[i]));
  }
  doors_.use(running_.config.live.listeners, std::move(doors->fresh));
  shared_->published.set(running_.snapshot);
  announce_listeners(before.live.listeners);
  prober_.use(running_.snapshot);
  discovery_.use(running_.config.live, running_.snapshot->services);
  removals_.exchanged(old->live, running_.snapshot->live);
  if (*old->services != *prepared_.lasting->srv.get()) keep_state();
  return {};
}

// What became of the file: certificates and name servers have no part in it.
void ControlThread::note_load(bool good) {
  shared_->loads.attempted_s = std::time(nullptr);
  shared_->loads.good = good;
  if (!good) return;
  shared_->loads.succeeded_s = shared_->loads.attempted_s.load();
  shared_->loads.set_hash(fingerprint(running_.config));
}

void ControlThread::apply_limits() {
  const config::Limits& limits = running_.config.live.limits;
  const uint64_t ready_max = ready_possible(prepared_, running_.snapshot->live);
  shared_->sessions_max = sessions_possible(prepared_, limits.sessions_max, ready_max);
  shared_->places.set_ready_max(static_cast<int64_t>(ready_max));
  shared_->login_memory_max = limits.login_memory / prepared_.workers;
  shared_->ceiling.set_limit(limits.memory != 0 ? limits.memory : memory_of_machine() / 2);
  shared_->places.open(shared_->sessions_max, limits.backend_logins_max, limits.backend_logins_start);
  shared_->lookups.set_patience(limits.lookup_timeout_ms);
  shared_->passwords.set_patience(limits.lookup_timeout_ms);
}

}  // namespace postigo
