// Takes an idle connection or opens one, goes on to the next server when one is away. Not here: what is asked
// (ldap.cc), which server is next (server_order.cc).
#include "backends/directory/drivers/ldap_servers.h"

#include <ldap.h>

#include <utility>

#include "backends/directory/drivers/deadline.h"
#include "parser/base/ascii.h"

namespace postigo {
LdapServers::LdapServers(const std::vector<std::string>& urls, const LdapSettings& settings)
    : settings_(settings), order_(urls.size()) {
  for (const std::string& url : urls) {
    servers_.push_back(std::make_unique<Server>());
    servers_.back()->url = url;
  }
}

// A fresh connection, and whose it is: ours or nobody's.
LdapReply LdapServers::open(std::unique_ptr<LdapConnection>& connection, const Server& server, As as,
                            std::string& detail) {
  connection = std::make_unique<LdapConnection>(server.url, settings_.options());
  LdapReply reply = connection->connect();
  if (!reply.ok()) {
    detail = server.url + ": " + reply.meaning() + (reply.text.empty() ? "" : ": " + printable(reply.text));
    return reply;
  }
  if (as == As::users || settings_.login().empty()) return reply;
  reply = connection->bind(settings_.login(), settings_.password().reveal());
  if (reply.ok()) return reply;
  detail = server.url + ": our own login: " + reply.meaning();
  if (!reply.away()) reply.code = LDAP_CONNECT_ERROR;  // whatever it says, it says nothing of the user
  return reply;
}

// One that was idle may be dead, and says so when it is used: then a fresh one has its turn.
LdapReply LdapServers::ask_one(Server& server, As as, const Request& request, std::string& detail) {
  Connections& spares = as == As::us ? server.ours : server.theirs;
  LdapReply reply;
  if (auto idle = spares.take()) {
    reply = request(*idle);
    if (!reply.away()) {
      spares.give(std::move(idle));
      return reply;
    }
    spares.clear();
    if (reply.timed_out()) return reply;
  }
  std::unique_ptr<LdapConnection> fresh;
  reply = open(fresh, server, as, detail);
  if (reply.ok()) reply = request(*fresh);
  if (!reply.away()) spares.give(std::move(fresh));
  return reply;
}

Result<LdapReply> LdapServers::ask(As as, const Request& request) {
  const ServerOrder::Turn turn = order_.begin(steady_ms());
  auto reply = ask(turn.order, as, request);
  order_.end(turn);
  return reply;
}

Result<LdapReply> LdapServers::ask(const std::vector<size_t>& order, As as, const Request& request) {
  std::string detail = "no server answers, and somebody is trying them";
  for (size_t i : order) {
    detail.clear();
    LdapReply reply = ask_one(*servers_[i], as, request, detail);
    if (!reply.away()) {
      order_.served(i);
      return reply;
    }
    order_.failed(i, steady_ms());
    if (detail.empty()) detail = servers_[i]->url + ": " + reply.meaning();
  }
  return fail(detail);
}

}  // namespace postigo
