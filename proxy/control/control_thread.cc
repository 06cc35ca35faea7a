// The life of the process: start, signals, the end. Not here: exchange of configurations (exchange.cc), what verbs do
// (verbs.cc), sessions, what can be known before a port is bound (preparation.cc).
#include "proxy/control/control_thread.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "config/units.h"
#include "proxy/base/events.h"
#include "proxy/control/expiry.h"
#include "proxy/control/notify.h"
#include "proxy/control/verbs.h"
#include "proxy/ops/api.h"
#include "proxy/ops/metrics.h"
#include "proxy/ops/page.h"
#include "proxy/ops/unix_socket.h"

namespace postigo {

ControlThread::ControlThread(std::string file, config::Config config, Prepared prepared, Inheritance inheritance)
    : program_(path_of_program()),
      prepared_(std::move(prepared)),
      inheritance_(std::move(inheritance)),
      running_{std::move(file), std::move(config), prepared_.snapshot},
      loop_(nullptr),
      mailbox_(std::make_shared<Mailbox>(loop_.uv())),
      sweep_([](void* self) { static_cast<ControlThread*>(self)->sweep(); }, this),
      expiry_([](void* self) { static_cast<ControlThread*>(self)->warn_of_expiry(); }, this),
      doors_(prepared_.workers, std::move(inheritance_.estate.sockets)),
      watchdog_(loop_, workers_),
      receipts_(loop_, workers_),
      directory_watch_(loop_),
      drain_(loop_, workers_,
             {.told = [this](bool draining) { told_draining(draining); }, .shut = [this] { doors_.close(); }}),
      succession_(loop_),
      predecessors_(loop_, std::move(inheritance_.estate.links)),
      successor_(loop_, [this](const std::string& what, const Json& parameters,
                               Successor::Done done) { run_for_successor(*this, what, parameters, std::move(done)); }),
      orders_(prepared_.lasting->fleet, running_.config.startup.state_file),
      keeper_(loop_, prepared_.lasting->fleet),
      prober_(loop_, [this] { keep_state(); }),
      discovery_(loop_, prepared_.lasting->srv, [this] {
        if (why_not_now().empty()) reloader_->renew({.cause = "srv"});
      }) {}

ControlThread::~ControlThread() = default;

Result<void> ControlThread::start() {
  forbid_new_privileges();
  started_s_ = std::time(nullptr);
  shared_ = std::make_unique<Shared>(running_.config, prepared_.password_threads, prepared_.lasting->fleet,
                                     inheritance_.estate.key.value_or(random_sip_key()));
  shared_->penalties.adopt(running_.snapshot->penalty, inheritance_.estate.penalties, loop_.now_ms());
  inquiry_ = std::make_unique<Inquiry>(loop_, mailbox_, shared_->lookups, shared_->passwords);
  apply_limits();
  if (auto made = make_workers(); !made) return made;
  if (auto made = open_admin(); !made) return made;
  if (auto made = open_api(); !made) return made;
  if (auto became = become(prepared_.account); !became) return became;
  reloader_ = std::make_unique<Reloader>(
      loop_, mailbox_, *prepared_.lasting, [this] { return running_; },
      [this](Proposal& proposal, const Reloader::Order& order) { proposed(proposal, order); });
  if (auto opened = log::open(running_.config.live.log); !opened) return opened;
  config::Problems problems;
  if (!prepared_.snapshot->open_directories(problems)) return fail(problems.front().message);
  if (auto taken = take_orders(); !taken) return taken;
  keeper_.start(shared_->ledger, inheritance_.estate.bonds, [this](const std::string& user) { mover_.evict(user); });
  if (auto made = open_socket(); !made) return made;
  if (auto made = open_lookup(); !made) return made;
  for (const std::string& name : doors_.forget_inherited()) log::write(events::socket_unused, {{"address", name}});
  if (!tell_predecessor(inheritance_)) return fail("the Postigo that runs has given up waiting: it serves on");
  note_load(true);
  warn_of_expiry();
  directory_watch_.watch(running_.snapshot->directories);
  for (auto& worker : workers_) {
    worker->start([this, box = mailbox_] { box->post([this] { worker_ended(); }); });
  }
  alive_ = workers_.size();
  signals_.watch(loop_, [this](int signal) { told(signal); });
  sweep();
  prober_.use(running_.snapshot);
  discovery_.use(running_.config.live, running_.snapshot->services);
  mirror_.start();
  reloader_->watch_files();
  watchdog_.start();
  if (admin_) {
    admin_->start();
    admin_->set_ready(true);
  }
  if (!running_.snapshot->services->empty()) keep_state();
  announce();
  return {};
}

// A predecessor knows better than the file, if there is one.
Result<void> ControlThread::take_orders() {
  orders_.use(shared_->ledger.moves, prepared_.lasting->srv);
  const std::string& left = inheritance_.estate.orders;
  return left.empty() ? orders_.load() : orders_.take_over(left);
}

int ControlThread::run() {
  loop_.run();
  loop_.close();
  return result_;
}

int ControlThread::abandon() {
  for (auto& worker : workers_) worker->abandon();
  admin_.reset();
  close();
  run();
  return 1;
}

Result<void> ControlThread::make_workers() {
  auto doors = doors_.open(running_.config.live.listeners);
  if (!doors) return tl::unexpected(doors.error());
  for (unsigned i = 0; i < prepared_.workers; ++i) {
    workers_.push_back(std::make_unique<Worker>(*shared_, running_.snapshot));
    workers_.back()->listen(std::move(doors->handouts[i]));
  }
  doors_.use(running_.config.live.listeners, std::move(doors->fresh));
  shared_->published.set(running_.snapshot);
  prepared_.lasting->keys->take_over(std::move(inheritance_.estate.keys));
  return {};
}

Result<int> ControlThread::listen_for_admins(const config::Endpoint& at) {
  std::optional<Address> address = Address::parse(at.host == "localhost" ? "127.0.0.1" : at.host, at.port);
  if (!address) return fail(fmt::format("{} is not an address", at.host));
  return doors_.open_other(address->text(), [&] { return Listener::bind(*address, true); });
}

Result<void> ControlThread::open_admin() {
  const config::Admin& options = running_.config.startup.admin;
  if (!options.enabled) return {};
  MetricsSource source;
  source.shared = shared_.get();
  source.workers = stats_of(workers_);
  source.fds_limit = prepared_.descriptors;
  source.start_time_s = started_s_;
  source.version = POSTIGO_VERSION;
  source.boringssl = POSTIGO_BORINGSSL_VERSION;
  source.predecessors = &predecessors_.counts();
  auto fd = listen_for_admins(options.address);
  if (!fd) return fail("admin: " + fd.error().message);
  auto admin = Admin::open(*fd, std::make_shared<Metrics>(std::move(source)));
  if (!admin) return fail("admin: " + admin.error().message);
  admin_ = std::move(*admin);
  return {};
}

Http::Handler ControlThread::handler(Identify identify) {
  auto run = [this](const Verb& verb, const Json& parameters, const std::string& who, VerbDone done) {
    run_verb(*this, verb, parameters, who, std::move(done));
  };
  return api_handler(run, std::move(identify), [this] { return loop_.now_ms(); });
}

// As the account, so that it may remove what it has made.
Result<void> ControlThread::open_socket() {
  const std::string& path = running_.config.startup.admin.socket;
  if (path.empty()) return {};
  auto fd = doors_.open_other(path, [&] { return listen_unix(path); });
  if (!fd) return tl::unexpected(fd.error());
  auto verbs = handler(caller_by_account);
  auto api = Http::open_unix(loop_, *fd, [this, verbs](const Http::Request& request, const Http::Answer& answer) {
    if (!asks_for_succession(request, answer)) verbs(request, answer);
  });
  if (!api) return tl::unexpected(api.error());
  api_ = std::move(*api);
  return {};
}

// As the account, too.
Result<void> ControlThread::open_lookup() {
  const config::Lookup& settings = running_.config.startup.lookup;
  const std::string& at = settings.socketmap;
  if (at.empty()) return {};
  bool path = at.starts_with('/');
  auto fd =
      path ? doors_.open_other(at, [&] { return listen_unix(at); }) : listen_for_admins(*config::parse_endpoint(at));
  if (!fd) return fail("lookup: " + fd.error().message);
  oracle_ = std::make_unique<Oracle>(*this, settings);
  return oracle_->serve(*fd);
}

// Tokens are those of now, whichever configuration that is.
Result<void> ControlThread::open_api() {
  const config::Endpoint& at = running_.config.startup.admin.api_address;
  if (at.port == 0) return {};
  auto fd = listen_for_admins(at);
  if (!fd) return fail("admin api: " + fd.error().message);
  Identify identify = [this](const Http::Request& request) {
    return caller_by_token(running_.config.live.tokens, request);
  };
  auto api = Http::open_gated(loop_, *fd, page_gate(gate_for(identify)), handler(identify));
  if (!api) return fail("admin api: " + api.error().message);
  api_by_token_ = std::move(*api);
  return {};
}

void ControlThread::announce() {
  announce_listeners({});
  if (admin_) {
    const config::Endpoint& address = running_.config.startup.admin.address;
    log::write(events::admin, {{"url", fmt::format("http://{}/metrics", config::format_endpoint(address))}});
  }
  if (api_by_token_) {
    const config::Endpoint& address = running_.config.startup.admin.api_address;
    log::write(events::api, {{"url", fmt::format("http://{}/api/v1", config::format_endpoint(address))}});
  }
  log::write(events::ready, {{"version", POSTIGO_VERSION},
                             {"workers", workers_.size()},
                             {"backends", running_.snapshot->backends.size()},
                             {"descriptors", prepared_.descriptors},
                             {"sessions_max", shared_->sessions_max.load()}});
  notify("READY=1");
}

void ControlThread::told(int signal) {
  const char* name = Signals::name_of(signal);
  switch (signal) {
    case SIGHUP:
      notify_reloading();
      return reload({.cause = name});
    case SIGUSR1:
      reopen_log();
      return;
    case SIGUSR2:
      return upgrade(name, [](const std::string&, pid_t) {});
    default:
      return stop(name);
  }
}

// Ticket keys whose time is over are wiped, also when nobody connects any more.
void ControlThread::sweep() { loop_.timers().arm(sweep_, prepared_.lasting->keys->sweep()); }

// What operators want of backends, and which are down.
void ControlThread::keep_state() {
  if (orders_.file().empty() || drain_.ending()) return;
  keep_orders([](const std::string& failure) {
    if (!failure.empty()) log::write(events::state_not_kept, {{"detail", failure}});
  });
}

// Now, and again in a day.
void ControlThread::warn_of_expiry() {
  constexpr uint64_t kDayMs = 24 * 3600'000;
  loop_.timers().arm(expiry_, kDayMs);
  if (running_.snapshot->certificates == nullptr) return;
  for (const Expiry& each : expiring(running_.snapshot->certificates->facts(), std::time(nullptr))) {
    log::write(events::certificate_expires, {{"name", each.name}, {"days", each.days}});
  }
}

Result<void> ControlThread::reopen_log() {
  auto opened = log::open(running_.config.live.log);
  if (opened) {
    log::write(events::log_reopened);
  } else {
    log::write(events::log_not_reopened, {{"detail", opened.error().message}});
  }
  return opened;
}

void ControlThread::keep_orders(std::function<void(const std::string& failure)> then) {
  auto failure = std::make_shared<std::string>();
  chore(
      [failure, file = orders_.file(), text = orders_.text()] {
        if (auto written = StandingOrders::write(file, text); !written) *failure = written.error().message;
      },
      [failure, then = std::move(then)] { then(*failure); });
}

void ControlThread::walk(std::function<bool(Session&)> visit, std::function<void()> done) {
  // Told when the last worker lets go of it: it is through, or has ended.
  std::shared_ptr<void> walking(nullptr, [done = std::move(done), box = mailbox_](void*) { box->post(done); });
  for (auto& worker : workers_) worker->walk(visit, [walking]() mutable { walking.reset(); });
}

void ControlThread::stop(const std::string& cause) {
  if (drain_.ending()) {
    log::write(events::stopping_now, {{"signal", cause}});
    return drain_.end_now();
  }
  log::write(events::stopping, {{"signal", cause}});
  reloader_->stop();
  flush_.stop();
  drain_.end(running_.config.live.leaving);
}

void ControlThread::told_draining(bool draining) {
  shared_->draining = draining;
  if (admin_) admin_->set_ready(!draining);
}

void ControlThread::worker_ended() {
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

void ControlThread::close() {
  if (reloader_) reloader_->stop();
  api_.reset();
  api_by_token_.reset();
  sweep_.cancel();
  expiry_.cancel();
  keeper_.close();
  flush_.close();
  if (oracle_) oracle_->close();
  if (inquiry_) inquiry_->close();
  mover_.close();
  prober_.close();
  discovery_.close();
  drain_.close();
  succession_.close();
  mirror_.close();
  predecessors_.close();
  successor_.forget();
  doors_.close();
  watchdog_.close();
  receipts_.close();
  directory_watch_.close();
  signals_.unwatch();
  mailbox_->close();
  loop_.stop();
}

}  // namespace postigo
