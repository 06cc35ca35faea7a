// From a key to a reply. Not here: connections (ops/socketmap.cc), directories (inquiry.cc), what a login would do
// (session/placement.cc).
#include "proxy/control/oracle.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/user_name.h"
#include "parser/base/ascii.h"
#include "proxy/control/control_thread.h"
#include "proxy/session/binding.h"
#include "proxy/session/naming.h"
#include "proxy/session/placement.h"

namespace postigo {
namespace {

bool is_among(const std::vector<std::string>& domains, std::string_view domain, const Names& names) {
  return std::any_of(domains.begin(), domains.end(),
                     [&](const std::string& each) { return names.domain(each) == names.domain(domain); });
}

std::string transport(const config::Backend& backend) {
  return fmt::format("OK lmtp:[{}]:{}", backend.host, backend.lmtp_port);
}

}  // namespace

std::optional<std::string> user_of_key(std::string_view key, const config::Lookup& settings,
                                       std::string_view default_domain, const Names& names, bool vouched) {
  // A domain alone, a parent's, or all that there is: Postfix asks for them too.
  if (key.empty() || key.front() == '@' || key.front() == '.' || key == "*") return std::nullopt;
  const size_t at = key.rfind('@');
  std::string_view local = key.substr(0, at), domain = at == std::string_view::npos ? "" : key.substr(at + 1);
  if (at == std::string_view::npos) {
    if (!vouched && local.find('.') != std::string_view::npos) return std::nullopt;  // it may be a domain
  } else {
    bool listed = is_among(settings.domains, domain, names);
    bool usual = !default_domain.empty() && is_among({std::string(default_domain)}, domain, names);
    bool ours = listed || (settings.domains.empty() && (vouched || usual));
    if (!ours) return std::nullopt;
  }
  if (!settings.delimiter.empty()) local = local.substr(0, local.find(settings.delimiter, 1));
  if (domain.empty() || settings.strip_domain) return std::string(local);
  return fmt::format("{}@{}", local, domain);
}

Oracle::Oracle(ControlThread& control, const config::Lookup& settings) : control_(control), settings_(settings) {}

Oracle::~Oracle() = default;

Result<void> Oracle::serve(int fd) {
  auto server =
      Socketmap::open(control_.loop(), fd, {settings_.connections_max, settings_.timeout_ms},
                      [this](std::string_view, std::string_view key, Then then) { ask(key, std::move(then)); });
  if (!server) return tl::unexpected(server.error());
  server_ = std::move(*server);
  return {};
}

void Oracle::close() { server_.reset(); }

void Oracle::ask(std::string_view key, Then then) {
  const Snapshot& snapshot = *control_.running().snapshot;
  const config::Live& live = snapshot.live;
  bool vouched = !live.auth.directories.empty() && !live.auth.accept_unknown;
  auto address = user_of_key(key, settings_, live.routing.default_domain, snapshot.router->names(), vouched);
  if (!address) return then("NOTFOUND ");
  auto user = snapshot.router->normalise(*address);
  if (!user) return then("NOTFOUND ");
  control_.inquiry().ask(snapshot, *user, [this, user = *user, then = std::move(then)](const LookupResult& result) {
    if (result.verdict == Verdict::try_later) return then("TEMP the directories do not answer now");
    Identity identity = result.identity;
    const bool known = result.verdict == Verdict::ok &&
                       be_called(identity, user, Spelling::kept, *control_.running().snapshot->router);
    then(known ? reply_for(identity) : "NOTFOUND ");
  });
}

// Mail goes where the user reads, whatever he reads with.
std::string Oracle::reply_for(const Identity& identity) const {
  const Snapshot& snapshot = *control_.running().snapshot;
  const Ledger& ledger = control_.ledger();
  if (ledger.holds.held(identity.user, control_.loop().now_ms())) return "TEMP the mailbox is being moved";
  for (const Protocol& each : protocols()) {
    const std::string_view protocol = each.name;
    auto route = place(snapshot, ledger.moves, identity, protocol);
    if (!route) continue;
    if (auto backend = place_now(snapshot, ledger.affinity, *route, identity.user, protocol))
      return transport(*backend);
    return "TEMP no backend of the user serves now";
  }
  return "TEMP the user has no place: see `ctl route`";
}

}  // namespace postigo
