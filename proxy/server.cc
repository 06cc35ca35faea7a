// The control thread: workers, the change of account, signals, the orderly end. Not here: sessions, what can be known
// before a port is bound (preparation.cc).
#include "proxy/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <utility>

#include "config/units.h"
#include "proxy/base/events.h"
#include "proxy/ops/admin.h"
#include "proxy/ops/metrics.h"
#include "proxy/signals.h"
#include "proxy/worker.h"

namespace postigo {
namespace {

constexpr uint64_t kTickMs = 20;   // between two looks at the workers that are to end
constexpr uint64_t kNowMs = 2000;  // for what is to end now

class Server {
 public:
  Server(config::Config config, Prepared prepared)
      : config_(std::move(config)), prepared_(std::move(prepared)), snapshot_(prepared_.snapshot) {}

  // Ports as who started us, everything else as the account. No thread is started before the account has changed but
  // those of `shared_`, which the change takes along.
  Result<void> start() {
    forbid_new_privileges();
    shared_ = std::make_unique<Shared>(config_, prepared_.password_threads, prepared_.lasting->fleet);
    shared_->sessions_max = prepared_.sessions_max;
    shared_->login_memory_max = config_.live.limits.login_memory / prepared_.workers;
    shared_->places.open(shared_->sessions_max, config_.live.limits.backend_logins_max);
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

  // Ticket keys whose time is over are wiped while we wait.
  void wait_for_signal() {
    const char* signal = nullptr;
    while (signal == nullptr) signal = signals_.wait_for_end(prepared_.lasting->keys->sweep());
    log::write(events::stopping, {{"signal", signal}});
  }

  int stop() {
    if (admin_) admin_->set_ready(false);
    int result = 0;
    if (started_) {
      stop_workers();
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
  // Each session ends in its own time, and that is short; a second signal means: now.
  void stop_workers() {
    for (auto& worker : workers_) worker->stop();
    uint64_t waited_ms = 0;
    bool now = false;
    while (std::any_of(workers_.begin(), workers_.end(), [](auto& worker) { return worker->running(); })) {
      const char* signal = signals_.wait_for_end(kTickMs);
      if (signal != nullptr && !now) {
        log::write(events::stopping_now, {{"signal", signal}});
        for (auto& worker : workers_) worker->stop_now();
      }
      now = now || signal != nullptr;
      if (now && (waited_ms += kTickMs) > kNowMs) give_up();
    }
  }

  // Something on a worker's thread does not come back, and we were told twice.
  [[noreturn]] static void give_up() {
    log::write(events::stop_failed);
    std::_Exit(1);
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
  Signals signals_;                     // before anything that starts a thread
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
