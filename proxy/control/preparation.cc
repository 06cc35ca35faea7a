// Machine, account, addresses, certificates, and what the account must be able to open. Not here: what only the file
// can tell (config/), binding for real (worker.cc).
#include "proxy/control/preparation.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

#include "config/report.h"
#include "config/suggest.h"
#include "config/units.h"
#include "proxy/base/log.h"
#include "proxy/control/discovery.h"
#include "proxy/control/standing_orders.h"
#include "proxy/net/listener.h"
#include "proxy/ops/http.h"
#include "proxy/worker.h"

namespace postigo {
namespace {

// Descriptors that are not sessions: loops, listeners, databases, log, the admin server.
constexpr uint64_t kReservedPerWorker = 32;
constexpr uint64_t kReserved = 64 + Http::kConnectionsMax;
constexpr uint16_t kPrivilegedPorts = 1024;

uint64_t raise_descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

uint64_t reserved(const Prepared& prepared) {
  return kReserved + kReservedPerWorker * prepared.workers + Shared::kRefusing;
}

void check_descriptors(const Prepared& prepared, config::Problems& problems) {
  uint64_t least = reserved(prepared) + 2;
  if (prepared.descriptors < least) {
    problems.push_back(config::error_at(
        "", fmt::format("the limit of open files is {}, and {} workers need at least {}: raise it (`ulimit -n`, or "
                        "LimitNOFILE= of the service)",
                        prepared.descriptors, prepared.workers, least)));
  }
}

void check_address(const config::Endpoint& endpoint, const std::string& key, const Inherited& inherited,
                   config::Problems& problems) {
  auto address = Address::parse(endpoint.host, endpoint.port);
  if (address && inherited.contains(address->text())) return;
  int status = address ? Listener::probe(*address) : 0;
  std::string place = config::in_quotes(config::format_endpoint(endpoint));
  if (status == -EACCES) {
    problems.push_back(config::error_at(
        key, fmt::format("may not listen on {}: ports below {} need root (and [server] user to be somebody else "
                         "afterwards) or CAP_NET_BIND_SERVICE",
                         place, kPrivilegedPorts)));
  } else if (status == -EADDRNOTAVAIL || status == -EAFNOSUPPORT) {
    problems.push_back(config::error_at(key, place + " is no address of this machine"));
  } else if (status == -EADDRINUSE) {
    problems.push_back(config::warning_at(key, place + " is in use now by another program"));
  } else if (status != 0) {
    problems.push_back(config::error_at(key, fmt::format("cannot listen on {}: {}", place, std::strerror(-status))));
  }
}

void check_addresses(const config::Config& config, const Inherited& inherited, config::Problems& problems) {
  const config::Live& live = config.live;
  const config::Admin& admin = config.startup.admin;
  for (size_t i = 0; i < live.listeners.size(); ++i) {
    std::string path = config::at_index("listener", i) + ".address";
    const auto& addresses = live.listeners[i].addresses;
    for (size_t j = 0; j < addresses.size(); ++j) {
      check_address(addresses[j], config::at_index(path, j), inherited, problems);
    }
  }
  if (admin.enabled) check_address(admin.address, "admin.address", inherited, problems);
  if (admin.api_address.port != 0) check_address(admin.api_address, "admin.api_address", inherited, problems);
}

// The account must be able to make it, and to replace it later.
void check_new_file(const std::string& path, const char* key, config::Problems& problems) {
  if (path.empty()) return;
  size_t slash = path.rfind('/');
  std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  if (faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) == 0) return;
  problems.push_back(config::error_at(key, fmt::format("cannot make files in {}: {}", folder, std::strerror(errno))));
}

// What is opened after the account has changed.
void check_as_account(const std::optional<Account>& account, const config::Config& config, config::Problems& problems) {
  config::Problems found;
  {
    Impersonation impersonation(account);
    if (auto usable = log::check(config.live.log); !usable) {
      found.push_back(config::error_at(log::place_of(config.live.log), usable.error().message));
    }
    check_new_file(config.startup.admin.socket, "admin.socket", found);
    check_new_file(config.startup.state_file, "server.state_file", found);
    const std::string& traces = config.live.trace_folder;
    if (!traces.empty()) check_new_file(traces + '/', "admin.trace_folder", found);
    open_directories(config.live.auth, found);
  }
  for (config::Problem& problem : found) {
    if (account && !account->user.empty()) problem.message += fmt::format(" (as {})", account->user);
    problems.push_back(std::move(problem));
  }
}

}  // namespace

// A client and a backend each.
int64_t sessions_possible(const Prepared& prepared, uint64_t configured, uint64_t ready_max) {
  const uint64_t kept = reserved(prepared) + ready_max;
  uint64_t possible = (prepared.descriptors - std::min(prepared.descriptors, kept)) / 2;
  return static_cast<int64_t>(configured != 0 ? std::min(configured, possible) : possible);
}

uint64_t ready_possible(const Prepared& prepared, const config::Live& live) {
  constexpr uint64_t kPart = 32;
  uint64_t wanted = 0;
  for (const config::Backend& backend : live.backends) {
    if (backend.proxy_protocol != config::SendProxyHeader::off) continue;
    for (const Protocol& protocol : protocols()) wanted += backend.port(protocol.name) != 0 ? backend.ready.max : 0;
  }
  return std::min(wanted, prepared.descriptors / kPart);
}

// A start while nobody answers: what was true at the last one is better than nothing.
void recall_services(const config::Config& config, SrvBook& book, config::Problems& problems) {
  const auto known = book.get();
  std::vector<std::string> names = config::srv_names(config.live);
  std::erase_if(names, [&](const std::string& name) { return known->contains(name); });
  if (names.empty() || config.startup.state_file.empty()) return;
  StandingOrders::Services kept = StandingOrders::services_in(config.startup.state_file);
  for (const std::string& name : names) {
    auto found = kept.records.find(name);
    if (found == kept.records.end()) continue;
    book.put(name, std::move(found->second));
    problems.push_back(config::warning_at(
        "server.state_file", fmt::format("no name server answers for {}: it has what they said until {}", name,
                                         config::format_time(kept.written_s))));
  }
}

Prepared prepare(const config::Config& config, config::Problems& problems, const Given& given) {
  Prepared prepared;
  unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  config::Problems found;
  prepared.workers = config.startup.workers != 0 ? config.startup.workers : cores;
  prepared.password_threads = config.startup.password_threads != 0 ? config.startup.password_threads : cores;
  prepared.descriptors = raise_descriptor_limit();
  check_descriptors(prepared, found);
  prepared.account = find_account(config.startup, found);
  check_addresses(config, given.sockets, found);
  prepared.lasting = std::make_shared<Lasting>();
  prepared.lasting->keys = std::make_shared<TicketKeys>(config.live.tls.ticket_rotation_ms);
  prepared.lasting->srv.adopt(given.services);
  if (given.purpose == Purpose::serve) {
    discover(config.live, prepared.lasting->srv);
    recall_services(config, prepared.lasting->srv, found);
  }
  prepared.snapshot = Snapshot::make(config, *prepared.lasting, found);
  check_as_account(prepared.account, config, found);
  problems.insert(problems.end(), found.begin(), found.end());
  if (any_fatal(found)) prepared.snapshot.reset();
  return prepared;
}

}  // namespace postigo
