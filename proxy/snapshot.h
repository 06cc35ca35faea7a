// Snapshot: one configuration made ready to run: contexts loaded, regexes compiled, databases opened.
//
// Built on the main thread, then immutable and shared. Workers and sessions hold it by shared_ptr.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "backends/directory/factory.h"
#include "backends/router.h"
#include "config/load.h"
#include "parser/dialogue.h"
#include "proxy/net/ticket_keys.h"
#include "proxy/net/tls_client.h"
#include "proxy/net/tls_server.h"
#include "proxy/session/outage.h"

namespace postigo {

// One [[listener]], as sessions see it.
struct Frontend {
  size_t index = 0;  // in Startup::listeners, and in WorkerStats::listeners
  std::string name;
  const Protocol* protocol = nullptr;
  size_t protocol_index = 0;  // in protocols()
  config::Tls tls = config::Tls::off;
  FrontPolicy policy;
  std::shared_ptr<const TlsServerContext> tls_context;  // null without TLS
};

// As the account that will use them. Null if there is an error; one per directory is told, under "directory[i]".
std::shared_ptr<const DirectoryShared> open_directories(const config::Auth& auth, config::Problems& problems);

struct Snapshot {
  config::Live live;
  std::unique_ptr<Router> router;
  std::shared_ptr<const DirectoryShared> directories;    // set by open_directories()
  std::shared_ptr<const CertificateStore> certificates;  // null without TLS listeners
  std::vector<Frontend> frontends;
  // [backend][protocol]; null where the backend speaks clear text.
  std::vector<std::vector<std::unique_ptr<TlsClientContext>>> backend_tls;
  std::vector<std::unique_ptr<Outage>> backend_outages;  // as live.backends
  std::unique_ptr<Outage> directory_outage;              // of all directories together

  size_t backend_index(const config::Backend& backend) const;  // in live.backends, by name

  // All but the directories. Null if a problem is an error; all are told, also warnings.
  static std::shared_ptr<Snapshot> make(const config::Config& config, std::shared_ptr<TicketKeys> keys,
                                        config::Problems& problems);
  // Apart, because databases must be opened by the account that will use them, and keys are read before as root. False
  // if there is an error.
  bool open_directories(config::Problems& problems);

 private:
  std::map<std::string, size_t, std::less<>> backend_index_;
  void make_frontends(const config::Config& config, const std::shared_ptr<TicketKeys>& keys,
                      config::Problems& problems);
  void make_backend_tls(config::Problems& problems);
};

}  // namespace postigo
