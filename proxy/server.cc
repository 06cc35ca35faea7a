// The control thread: descriptors, snapshot, workers, privileges, signals, the orderly end. Not here: sessions.
#include "proxy/server.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <thread>

#include "config/units.h"
#include "proxy/base/events.h"
#include "proxy/ops/admin.h"
#include "proxy/ops/http.h"
#include "proxy/ops/metrics.h"
#include "proxy/worker.h"

namespace postigo {
namespace {

// Descriptors that are not sessions: loops, listeners, databases, log, the admin server.
constexpr uint64_t kReservedPerWorker = 32;
constexpr uint64_t kReserved = 64 + Http::kConnectionsMax;

uint64_t raise_descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

int64_t sessions_for(uint64_t descriptors, unsigned workers, uint64_t configured) {
  uint64_t reserved = kReserved + kReservedPerWorker * workers + Shared::kRefusing;
  uint64_t possible = descriptors > reserved + 2 ? (descriptors - reserved) / 2 : 1;  // a client and a backend each
  return static_cast<int64_t>(configured != 0 ? std::min(configured, possible) : possible);
}

Result<void> become(const std::string& user, const std::string& group) {
  if (user.empty() && group.empty()) return {};
  const passwd* account = user.empty() ? nullptr : getpwnam(user.c_str());
  if (!user.empty() && account == nullptr) return fail(fmt::format("server.user: no account named {}", user));
  const struct group* named = group.empty() ? nullptr : getgrnam(group.c_str());
  if (!group.empty() && named == nullptr) return fail(fmt::format("server.group: no group named {}", group));
  if (account != nullptr && geteuid() == account->pw_uid) return {};
  if (geteuid() != 0) return fail("server.user: only root can become somebody else");
  gid_t gid = named != nullptr ? named->gr_gid : account->pw_gid;
  bool ok = account == nullptr || initgroups(account->pw_name, gid) == 0;
  ok = ok && setgid(gid) == 0;
  ok = ok && (account == nullptr || setuid(account->pw_uid) == 0);
  if (!ok) return fail(fmt::format("cannot become {}", user.empty() ? group : user));
  return {};
}

class Server {
 public:
  explicit Server(config::Config config) : config_(std::move(config)) {}

  Result<void> start() {
    block_signals();
    fds_ = raise_descriptor_limit();
    unsigned cores = std::max(1U, std::thread::hardware_concurrency());
    unsigned workers = config_.startup.workers != 0 ? config_.startup.workers : cores;
    unsigned hashing = config_.startup.password_threads != 0 ? config_.startup.password_threads : cores;

    keys_ = std::make_shared<TicketKeys>(config_.live.tls.ticket_rotation_ms);
    auto snapshot = Snapshot::make(config_, keys_);
    if (!snapshot) return tl::unexpected(snapshot.error());
    snapshot_ = *snapshot;

    shared_ = std::make_unique<Shared>(config_, hashing);
    shared_->sessions_max = sessions_for(fds_, workers, config_.live.limits.sessions_max);
    for (unsigned i = 0; i < workers; ++i) {
      workers_.push_back(std::make_unique<Worker>(*shared_, snapshot_, i));
      if (auto bound = workers_.back()->listen(config_.startup.listeners); !bound) return bound;
    }
    if (auto made = open_admin(); !made) return made;
    if (auto became = become(config_.startup.user, config_.startup.group); !became) return became;
    if (auto opened = snapshot_->open_directories(); !opened) return opened;
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
    for (sigwait(&signals_, &signal); signal == SIGHUP; sigwait(&signals_, &signal)) {
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

  Result<void> open_admin() {
    if (!config_.startup.admin.enabled) return {};
    MetricsSource source;
    source.snapshot = snapshot_.get();
    source.shared = shared_.get();
    for (auto& worker : workers_) source.workers.push_back(&worker->stats());
    source.fds_limit = fds_;
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
                               {"descriptors", fds_},
                               {"sessions_max", shared_->sessions_max}});
  }

  config::Config config_;
  sigset_t signals_{};
  uint64_t fds_ = 0;
  std::shared_ptr<TicketKeys> keys_;
  std::shared_ptr<Snapshot> snapshot_;  // const for everybody else
  std::unique_ptr<Shared> shared_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<Admin> admin_;
  bool started_ = false;
};

}  // namespace

int serve(config::Config config) {
  if (auto opened = log::open(config.startup.log); !opened) {
    fmt::print(stderr, "postigo: {}\n", opened.error().message);
    return 1;
  }
  Server server(std::move(config));
  if (auto started = server.start(); !started) {
    log::write(events::cannot_start, {{"detail", started.error().message}});
    server.stop();
    return 1;
  }
  server.wait_for_signal();
  return server.stop();
}

}  // namespace postigo
