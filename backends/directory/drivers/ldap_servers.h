// LdapServers: the servers of one directory and the connections to them, of two kinds: those that are ours, to search
// on, and those that users bind on, which nobody searches on. Thread-safe; all of it blocks.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backends/directory/drivers/ldap_connection.h"
#include "backends/directory/drivers/ldap_settings.h"
#include "backends/directory/drivers/server_order.h"
#include "backends/directory/spares.h"
#include "parser/base/result.h"

namespace postigo {

class LdapServers {
 public:
  enum class As { us, users };
  using Request = std::function<LdapReply(LdapConnection& connection)>;

  // `settings` must outlive it.
  LdapServers(const std::vector<std::string>& urls, const LdapSettings& settings);

  // The first answer of a server, whatever it is, or why there is none. `request` may be run more than once.
  Result<LdapReply> ask(As as, const Request& request);

 private:
  using Connections = Spares<LdapConnection>;
  struct Server {
    std::string url;
    Connections ours, theirs;
  };
  Result<LdapReply> ask(const std::vector<size_t>& order, As as, const Request& request);
  LdapReply ask_one(Server& server, As as, const Request& request, std::string& detail);
  LdapReply open(std::unique_ptr<LdapConnection>& connection, const Server& server, As as, std::string& detail);

  const LdapSettings& settings_;
  std::vector<std::unique_ptr<Server>> servers_;
  ServerOrder order_;
};

}  // namespace postigo
