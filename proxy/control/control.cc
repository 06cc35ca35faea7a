// The control thread: it owns workers and what lasts, hears signals, exchanges snapshots, ends the process. It has a
// loop and never blocks on it: files are read and snapshots built on a thread of their own. Not here: sessions, what
// can be known before a port is bound (preparation.cc), how a snapshot is made (reload.cc, snapshot.cc).
#include "proxy/control/control.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "config/units.h"
#include "proxy/base/events.h"
#include "proxy/base/mailbox.h"
#include "proxy/control/doors.h"
#include "proxy/control/drain.h"
#include "proxy/control/expiry.h"
#include "proxy/control/notify.h"
#include "proxy/control/reload.h"
#include "proxy/control/signals.h"
#include "proxy/control/watchdog.h"
#include "proxy/ops/admin.h"
#include "proxy/ops/metrics.h"
#include "proxy/worker.h"

namespace postigo {
namespace {

constexpr uint64_t kDayMs = 24 * 3600'000;

class Control {
 public:
  Control(std::string file, config::Config config, Prepared prepared)
      : prepared_(std::move(prepared)),
        running_{std::move(file), std::move(config), prepared_.snapshot},
        loop_(nullptr),
        mailbox_(std::make_shared<Mailbox>(loop_.uv())),
        sweep_([](void* self) { static_cast<Control*>(self)->sweep(); }, this),
        expiry_([](void* self) { static_cast<Control*>(self)->warn_of_expiry(); }, this),
        doors_(prepared_.workers),
        watchdog_(loop_, workers_),
        drain_(loop_, workers_, [this](bool draining) { told_draining(draining); }),
        reloader_(
            loop_, mailbox_, *prepared_.lasting, [this] { return running_; },
            [this](Proposal& proposal, const std::string& cause) { proposed(proposal, cause); }) {}

  // Ports as who started us, everything else as the account. No thread is started before the account has changed but
  // those of `shared_`, which the change takes along.
  Result<void> start() {
    forbid_new_privileges();
    const config::Startup& startup = running_.config.startup;
    shared_ = std::make_unique<Shared>(running_.config, prepared_.password_threads, prepared_.lasting->fleet);
    apply_limits();
    if (auto made = make_workers(); !made) return made;
    if (auto made = open_admin(startup.admin); !made) return made;
    if (auto became = become(prepared_.account); !became) return became;
    if (auto opened = log::open(running_.config.live.log); !opened) return opened;
    config::Problems problems;
    if (!prepared_.snapshot->open_directories(problems)) return fail(problems.front().message);
    note_load();
    for (auto& worker : workers_) {
      worker->start([this, box = mailbox_] { box->post([this] { worker_ended(); }); });
    }
    alive_ = workers_.size();
    signals_.watch(loop_, [this](int signal) { told(signal); });
    sweep();
    reloader_.watch_files();
    watchdog_.start();
    if (admin_) {
      admin_->start();
      admin_->set_ready(true);
    }
    announce();
    return {};
  }

  // Until the last worker has ended.
  int run() {
    loop_.run();
    loop_.close();
    return result_;
  }

  int abandon() {
    for (auto& worker : workers_) worker->abandon();
    admin_.reset();
    close();
    run();
    return 1;
  }

 private:
  // --- starting ---
  Result<void> make_workers() {
    auto doors = doors_.open(running_.config.live.listeners);
    if (!doors) return tl::unexpected(doors.error());
    for (unsigned i = 0; i < prepared_.workers; ++i) {
      workers_.push_back(std::make_unique<Worker>(*shared_, running_.snapshot, i));
      workers_.back()->listen(std::move((*doors)[i]));
    }
    doors_.use(running_.config.live.listeners);
    shared_->published.set(running_.snapshot);
    return {};
  }

  Result<void> open_admin(const config::Admin& options) {
    if (!options.enabled) return {};
    MetricsSource source;
    source.shared = shared_.get();
    for (auto& worker : workers_) source.workers.push_back(&worker->stats());
    source.fds_limit = prepared_.descriptors;
    source.start_time_s = std::time(nullptr);
    source.version = POSTIGO_VERSION;
    source.boringssl = POSTIGO_BORINGSSL_VERSION;
    auto admin = Admin::open(options.address, std::make_shared<Metrics>(std::move(source)));
    if (!admin) return tl::unexpected(admin.error());
    admin_ = std::move(*admin);
    return {};
  }

  void announce() {
    announce_listeners({});
    if (admin_) {
      const config::Endpoint& address = running_.config.startup.admin.address;
      log::write(events::admin, {{"url", fmt::format("http://{}/metrics", config::format_endpoint(address))}});
    }
    log::write(events::ready, {{"version", POSTIGO_VERSION},
                               {"workers", workers_.size()},
                               {"backends", running_.config.live.backends.size()},
                               {"descriptors", prepared_.descriptors},
                               {"sessions_max", shared_->sessions_max.load()}});
    notify("READY=1");
  }

  // What listens now and did not under `before`, and the other way round.
  void announce_listeners(const std::vector<config::Listener>& before) {
    tell_listeners(running_.config.live.listeners, before, events::listening);
    tell_listeners(before, running_.config.live.listeners, events::not_listening);
  }

  static void tell_listeners(const std::vector<config::Listener>& these, const std::vector<config::Listener>& others,
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

  // --- while it runs ---
  void told(int signal) {
    const char* name = Signals::name_of(signal);
    switch (signal) {
      case SIGHUP:
        notify_reloading();
        return reloader_.ask(name);
      case SIGUSR1:
        return reopen_log(name);
      case SIGUSR2:
        return log::write(events::signal_ignored, {{"signal", name}, {"detail", "it has no meaning yet"}});
      default:
        return drain_.ending() ? stop_now(name) : stop(name);
    }
  }

  // Ticket keys whose time is over are wiped, also when nobody connects any more.
  void sweep() { loop_.timers().arm(sweep_, prepared_.lasting->keys->sweep()); }

  void reopen_log(const char* signal) {
    auto opened = log::open(running_.config.live.log);
    log::write(opened ? events::log_reopened : events::log_not_reopened,
               {{"signal", signal}, {"detail", opened ? "" : opened.error().message}});
  }

  // --- exchange ---
  void proposed(Proposal& proposal, const std::string& cause) {
    for (const config::Problem& problem : proposal.problems) {
      log::write(problem.fatal ? events::configuration_error : events::configuration_warning,
                 {{"detail", to_string(problem)}});
    }
    std::string why = fault(proposal);
    if (why.empty()) why = publish(proposal);
    shared_->loads.attempted_s = std::time(nullptr);
    shared_->loads.good = why.empty();
    if (why.empty()) {
      note_load();
      log::write(events::reloaded,
                 {{"cause", cause}, {"changes", proposal.changes.size()}, {"hash", shared_->loads.hash()}});
    } else {
      log::write(events::reload_refused, {{"cause", cause}, {"detail", why}});
    }
    notify("READY=1");
  }

  // Why it cannot take effect, or empty.
  static std::string fault(const Proposal& proposal) {
    if (proposal.snapshot == nullptr) return "it has errors";
    std::string keys;
    for (const config::Change& change : proposal.changes) {
      if (change.needs_restart) keys += (keys.empty() ? "" : ", ") + change.key;
    }
    return keys.empty() ? "" : "only a restart can change " + keys;
  }

  // All or nothing. Why not, or empty.
  std::string publish(Proposal& proposal) {
    auto doors = doors_.open(proposal.config.live.listeners);
    if (!doors) return doors.error().message;
    if (proposal.config.live.log != running_.config.live.log) {
      if (auto opened = log::open(proposal.config.live.log); !opened) return opened.error().message;
    }
    auto before = std::exchange(running_.config, std::move(proposal.config));
    running_.snapshot = std::move(proposal.snapshot);
    apply_limits();
    prepared_.lasting->keys->set_rotation(running_.config.live.tls.ticket_rotation_ms);
    sweep();
    for (size_t i = 0; i < workers_.size(); ++i) {
      workers_[i]->make_room();
      workers_[i]->exchange(running_.snapshot, std::move((*doors)[i]));
    }
    doors_.use(running_.config.live.listeners);
    shared_->published.set(running_.snapshot);
    announce_listeners(before.live.listeners);
    return {};
  }

  void note_load() {
    shared_->loads.succeeded_s = shared_->loads.attempted_s = std::time(nullptr);
    shared_->loads.good = true;
    shared_->loads.set_hash(fingerprint(running_.config));
    warn_of_expiry();
  }

  // Now, and again in a day.
  void warn_of_expiry() {
    loop_.timers().arm(expiry_, kDayMs);
    if (running_.snapshot->certificates == nullptr) return;
    for (const Expiry& each : expiring(running_.snapshot->certificates->facts(), std::time(nullptr))) {
      log::write(events::certificate_expires, {{"name", each.name}, {"days", each.days}});
    }
  }

  void apply_limits() {
    const config::Limits& limits = running_.config.live.limits;
    shared_->sessions_max = sessions_possible(prepared_, limits.sessions_max);
    shared_->login_memory_max = limits.login_memory / prepared_.workers;
    shared_->places.open(shared_->sessions_max, limits.backend_logins_max);
    shared_->lookups.set_patience(limits.lookup_timeout_ms);
    shared_->passwords.set_patience(limits.lookup_timeout_ms);
  }

  // --- the end ---
  void stop(const char* signal) {
    log::write(events::stopping, {{"signal", signal}});
    reloader_.stop();
    drain_.end(running_.config.live.leaving);
  }

  void stop_now(const char* signal) {
    log::write(events::stopping_now, {{"signal", signal}});
    drain_.end_now();
  }

  void told_draining(bool draining) {
    shared_->draining = draining;
    if (admin_) admin_->set_ready(!draining);
  }

  void worker_ended() {
    if (--alive_ > 0) return;
    for (auto& worker : workers_) {
      worker->join();
      if (worker->loop_result() == 0) continue;
      log::write(events::handles_left, {{"detail", "a handle or a connection was left open: a bug"}});
      result_ = 1;
    }
    admin_.reset();
    log::tell_losses();
    log::write(events::stopped);
    close();
  }

  void close() {
    reloader_.stop();
    sweep_.cancel();
    expiry_.cancel();
    drain_.close();
    watchdog_.close();
    signals_.unwatch();
    mailbox_->close();
    loop_.stop();
  }

  Signals signals_;  // before anything that starts a thread
  Prepared prepared_;
  Running running_;
  Loop loop_;
  std::shared_ptr<Mailbox> mailbox_;
  Timer sweep_, expiry_;
  Doors doors_;
  std::unique_ptr<Shared> shared_;
  std::vector<std::unique_ptr<Worker>> workers_;
  Watchdog watchdog_;
  Drain drain_;
  std::unique_ptr<Admin> admin_;
  Reloader reloader_;
  size_t alive_ = 0;  // workers
  int result_ = 0;
};

}  // namespace

int serve(std::string file, config::Config config, Prepared prepared) {
  config::Log early = config.live.log;
  early.file.clear();
  if (auto opened = log::open(early); !opened) return 1;
  bool to_file = !config.live.log.file.empty();
  Control control(std::move(file), std::move(config), std::move(prepared));
  auto started = control.start();
  if (started) return control.run();
  log::write(events::cannot_start, {{"detail", started.error().message}});
  if (to_file) fmt::print(stderr, "postigo: cannot start: {}\n", started.error().message);
  return control.abandon();
}

}  // namespace postigo
