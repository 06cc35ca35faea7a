// Snapshot: one configuration made ready to run: contexts loaded, regexes compiled, databases opened.
//
// Built whole, off the workers' threads, then immutable and shared. A worker holds the newest one, a login the one that
// it began under; a relay holds none: what it needs of the past is its Frontend and its backend's TLS context.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "backends/balance/occupancy.h"
#include "backends/balance/selection.h"
#include "backends/balance/siphash.h"
#include "backends/directory/factory.h"
#include "backends/ledger/limiter.h"
#include "backends/ledger/penalty_rules.h"
#include "backends/router.h"
#include "config/load.h"
#include "config/network.h"
#include "parser/protocol.h"
#include "parser/sasl/kept_keys.h"
#include "proxy/fleet.h"
#include "proxy/log_samples.h"
#include "proxy/net/address.h"
#include "proxy/net/srv_book.h"
#include "proxy/net/ticket_keys.h"
#include "proxy/net/tls_client.h"
#include "proxy/net/tls_server.h"

namespace postigo {

// What lasts from the start of the process to its end.
struct Lasting {
  std::shared_ptr<TicketKeys> keys;
  Fleet fleet;
  std::map<std::string, std::vector<config::Endpoint>> activated;  // addresses of systemd's sockets, by name
  SrvBook srv;                                                     // what stands for backends by SRV records
};

// One [[listener]], as sessions see it; they hold it by shared_ptr. Small.
struct Frontend {
  ListenerState* state = nullptr;
  std::string name;
  const Protocol* protocol = nullptr;
  size_t protocol_index = 0;  // in protocols()
  uint64_t sessions_max = 0;  // 0: no limit
  config::Tls tls = config::Tls::off;
  config::ClientCertificate client_certificate = config::ClientCertificate::off;
  config::ProxyHeaders proxy_protocol = config::ProxyHeaders::off;
  std::vector<config::Network> proxy_trusted, forward_trusted;
  FrontPolicy policy;
  FrontPolicy proxy_policy;                             // the same, towards peers in proxy_trusted
  FrontPolicy speaker_policy;                           // and towards those in forward_trusted
  std::shared_ptr<const TlsServerContext> tls_context;  // null without TLS

  // `peer` connects; `from` is who speaks, as it said in a PROXY header, or the same.
  const FrontPolicy& policy_towards(const Address& peer, const Address& from) const {
    if (speaks(peer, from)) return speaker_policy;
    return !proxy_trusted.empty() && trusts(peer) ? proxy_policy : policy;
  }
  // A proxy that says itself, in the dialogue, for whom.
  bool speaks(const Address& peer, const Address& from) const {
    return !forward_trusted.empty() && (config::any_contains(forward_trusted, peer.octets()) ||
                                        config::any_contains(forward_trusted, from.octets()));
  }
  bool trusts(const Address& peer) const { return config::any_contains(proxy_trusted, peer.octets()); }
};

// One [[backend]], as logins see it.
struct Backend {
  config::Backend settings;
  BackendState* state = nullptr;
  std::vector<std::shared_ptr<TlsClientContext>> tls;  // by protocol; null where the backend speaks clear text
  std::vector<Address> sources;                        // to connect from, in turn; none: the kernel chooses
  std::shared_ptr<sasl::KeptKeys> kept = {};           // of a secret of ours; null: passwords are said as they are
};

// As the account that will use them. Null if there is an error; one per directory is told, under "directory[i]".
// Those of `before`, which may be null, go on if their section did not change.
std::shared_ptr<const DirectoryShared> open_directories(const config::Auth& auth, config::Problems& problems,
                                                        const DirectoryShared* before = nullptr);

struct Snapshot {
  config::Live live;                                   // with backends at the targets of SRV records (config/srv.h)
  std::shared_ptr<const config::SrvRecords> services;  // by which they were put there
  std::unique_ptr<Router> router;
  PenaltyRules penalty;
  LimitRules limits;
  LogSamples samples;
  std::shared_ptr<const DirectoryShared> directories;      // set by open_directories()
  std::shared_ptr<const CertificateStore> certificates;    // null without TLS listeners
  std::vector<std::shared_ptr<const Frontend>> frontends;  // as the listeners in the configuration
  std::vector<Backend> backends;                           // as live.backends
  bool tells_of_clients = false;                           // some of them are told who comes: `trusted`

  const Backend& backend(std::string_view name) const;  // REQUIRES: there is one
  // Of a candidate of a route: no look-up. REQUIRES: the Router's own object.
  const Backend& backend(const config::Backend& routed) const { return backends[router->index(routed)]; }
  const Backend* find_backend(std::string_view name) const;

  const config::Pool* affine_pool(std::string_view name) const;  // null: it has no affinity
  std::map<std::string, PoolLimit, std::less<>> pool_limits;     // by name; only those that have one
  const PoolLimit* limit_of(std::string_view pool) const {       // null: none
    auto found = pool_limits.find(pool);
    return found == pool_limits.end() ? nullptr : &found->second;
  }

  // Whether some listener can send logins there.
  bool serves(const Backend& backend, const Protocol& protocol) const;
  // Puts this user's candidates in the order in which they are tried now (backends/balance/selection.h).
  void order(Route& route, Bytes user, const Protocol& protocol, uint64_t now_ms) const;

  std::vector<std::string> certificate_files() const;                  // of [tls]
  std::string certificates_stamp;                                      // of those files, as they were read
  static std::string stamp_of(const std::vector<std::string>& files);  // blocking

  // All but the directories. Null if a problem is an error; all are told, also warnings. `lasting` outlives it.
  // Takes over from `before`, which may be null, what did not change: TLS contexts with the sessions that they know.
  static std::shared_ptr<Snapshot> make(const config::Config& config, Lasting& lasting, config::Problems& problems,
                                        const Snapshot* before = nullptr);
  // Apart, because databases must be opened by the account that will use them, and keys are read before as root. False
  // if there is an error. Those of `before` go on if their section did not change: connections, caches and all.
  bool open_directories(config::Problems& problems, const Snapshot* before = nullptr);

 private:
  Claim claim(const Backend& backend, size_t protocol, uint64_t now_ms) const;

  NameMap<size_t> backend_index_;
  std::vector<size_t> written_;                                    // where each backend stands in the configuration
  mutable std::atomic<uint64_t> turns_{0};                         // of the logins to shared pools
  std::map<std::string, std::shared_ptr<const TlsTrust>> trusts_;  // by what they came from

  void make_certificates(const Snapshot* before, config::Problems& problems);
  void make_frontends(Lasting& lasting, const Snapshot* before, config::Problems& problems);
  std::shared_ptr<const TlsServerContext> server_context(const Frontend& frontend, const Lasting& lasting,
                                                         const Snapshot* before, config::Problems& problems) const;
  void make_pool_limits();
  void make_backends(Fleet& fleet, const Snapshot* before, config::Problems& problems);
  std::shared_ptr<const TlsTrust> trust(size_t backend, const Protocol& protocol, const Snapshot* before,
                                        config::Problems& problems);
};

// The newest snapshot, for those who are not told of a new one: scrapers, the control thread's helpers. Any thread.
class Published {
 public:
  std::shared_ptr<const Snapshot> get() const {
    std::lock_guard lock(mutex_);
    return snapshot_;
  }
  void set(std::shared_ptr<const Snapshot> snapshot);

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Snapshot> snapshot_;
};

}  // namespace postigo
