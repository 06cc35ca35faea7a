// The control thread: workers, the change of account, signals, the orderly end. Not here: sessions, what can be known
// before a port is bound (preparation.cc).
#include "proxy/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <utility>

#include "config/units.h"
#include "proxy/base/events.h"
#include "proxy/ops/admin.h"
#include "proxy/ops/metrics.h"
#include "proxy/worker.h"

namespace postigo {
namespace {

class Server {
 public:
  Server(config::Config config, Prepared prepared)
      : config_(std::move(config)), prepared_(std::move(prepared)), snapshot_(prepared_.snapshot) {}

  // Ports as who started us, everything else as the account. No thread is started before the account has changed but
  // those of `shared_`, which the change takes along.
  Result<void> start() {
    block_signals();
    forbid_new_privileges();
    shared_ = std::make_unique<Shared>(config_, prepared_.password_threads);
    shared_->sessions_max = prepared_.sessions_max;
    for (unsigned i = 0; i < prepared_.workers; ++i) {
      workers_.push_back(std::make_unique<Worker>(*shared_, snapshot_, i));
      if (auto bound = workers_.back()->listen(config_.startup.listeners); !bound) return bound;
    }
    if (auto made = open_admin(); !made) return made;
    if (auto became = become(prepared_.account); !became) return became;
    if (auto opened = log::open(config_.startup.log); !opened) return opened;
    config::Problems problems;
    if (!snapshot_->open_directories(problems)) return fail(problems.front().message);
    for (auto& worker : workers_) worker->start();
    started_ = true;
    if (admin_) {
      admin_->start();
      admin_->set_ready(true);
    }
    announce();
    return {};
  }

  void wait_for_signal() {
    int signal = 0;
    for (signal = next_signal(); signal == SIGHUP; signal = next_signal()) {
      log::write(events::hangup_ignored, {{"detail", "a new configuration takes effect with a restart"}});
    }
    log::write(events::stopping, {{"signal", signal == SIGINT ? "SIGINT" : "SIGTERM"}});
  }

  int stop() {
    if (admin_) admin_->set_ready(false);
    int result = 0;
    if (started_) {
      for (auto& worker : workers_) worker->stop();
      for (auto& worker : workers_) {
        worker->join();
        if (worker->loop_result() == 0) continue;
        log::write(events::handles_left, {{"detail", "a handle or a connection was left open: a bug"}});
        result = 1;
      }
    } else {
      for (auto& worker : workers_) worker->abandon();
    }
    admin_.reset();
    log::tell_losses();
    log::write(events::stopped);
    return result;
  }

 private:
  void block_signals() {
    std::signal(SIGPIPE, SIG_IGN);
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGTERM);
    sigaddset(&signals_, SIGINT);
    sigaddset(&signals_, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);  // inherited by every thread that follows
  }

  // Ticket keys whose time is over are wiped while we wait.
  int next_signal() {
    for (;;) {
      uint64_t wait_ms = prepared_.keys->sweep();
      timespec wait{static_cast<time_t>(wait_ms / 1000), static_cast<long>(wait_ms % 1000) * 1'000'000};
      int signal = sigtimedwait(&signals_, nullptr, &wait);
      if (signal > 0) return signal;
    }
  }

  Result<void> open_admin() {
    if (!config_.startup.admin.enabled) return {};
    MetricsSource source;
    source.snapshot = snapshot_.get();
    source.shared = shared_.get();
    for (auto& worker : workers_) source.workers.push_back(&worker->stats());
    source.fds_limit = prepared_.descriptors;
    source.start_time_s = std::time(nullptr);
    source.version = POSTIGO_VERSION;
    source.boringssl = POSTIGO_BORINGSSL_VERSION;
    auto admin = Admin::open(config_.startup.admin.address, std::make_shared<Metrics>(std::move(source)));
    if (!admin) return tl::unexpected(admin.error());
    admin_ = std::move(*admin);
    return {};
  }

  void announce() {
    for (const config::Listener& listener : config_.startup.listeners) {
      for (const config::Endpoint& endpoint : listener.addresses) {
        std::string address = config::format_endpoint(endpoint);
        log::write(events::listening,
                   {{"listener", listener.name}, {"protocol", listener.protocol}, {"address", address}});
      }
    }
    if (admin_) {
      std::string url = fmt::format("http://{}/metrics", config::format_endpoint(config_.startup.admin.address));
      log::write(events::admin, {{"url", url}});
    }
    log::write(events::ready, {{"version", POSTIGO_VERSION},
                               {"workers", workers_.size()},
                               {"backends", config_.live.backends.size()},
                               {"descriptors", prepared_.descriptors},
                               {"sessions_max", shared_->sessions_max}});
  }

  config::Config config_;
  Prepared prepared_;
  sigset_t signals_{};
  std::shared_ptr<Snapshot> snapshot_;  // const for everybody else
  std::unique_ptr<Shared> shared_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<Admin> admin_;
  bool started_ = false;
};

}  // namespace

int serve(config::Config config, Prepared prepared) {
  config::Log early = config.startup.log;
  early.file.clear();
  if (auto opened = log::open(early); !opened) return 1;
  bool to_file = !config.startup.log.file.empty();
  Server server(std::move(config), std::move(prepared));
  if (auto started = server.start(); !started) {
    log::write(events::cannot_start, {{"detail", started.error().message}});
    if (to_file) fmt::print(stderr, "postigo: cannot start: {}\n", started.error().message);
    server.stop();
    return 1;
  }
  server.wait_for_signal();
  return server.stop();
}

}  // namespace postigo
