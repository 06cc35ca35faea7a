// `postigo route USER`: the decision that a login of this user would meet, in words. Asks the same directories (without
// a password) and the same Router; connects to no backend. What operators have ordered since, `postigo ctl route`
// knows.
#include <ctime>
#include <ostream>

#include "backends/names/configured.h"
#include "config/suggest.h"
#include "parser/base/ascii.h"
#include "proxy/commands/asking.h"
#include "proxy/commands/configuration.h"
#include "proxy/commands/place_words.h"

namespace postigo::commands {

namespace {

// Who knew the user, in words.
std::string known_by(const config::Auth& auth, const Asking& asking, Verdict verdict) {
  if (auth.directories.empty()) return "none configured";
  const Asking::Step& last = asking.steps().back();
  const bool known = last.said && last.said->verdict == Verdict::ok;
  if (!known) return verdict == Verdict::ok ? "unknown to all, accepted (auth.accept_unknown)" : "unknown to all";
  if (!last.found) return last.directory;
  return last.directory + (last.found->user ? " (user)" : " (domain)");
}

bool is_disabled(const Asking& asking) {
  const auto is = [](const std::optional<Entry>& entry) { return entry && entry->disabled; };
  if (asking.steps().empty() || !asking.steps().back().found) return false;
  const Found& found = *asking.steps().back().found;
  return is(found.user) || is(found.domain);
}

int cannot(const std::string& message, Streams io) {
  io.err << "postigo: " << printable(message) << '\n';
  return kFailed;
}

// He is known, and lives somewhere.
int tell_place(const Router& router, const Identity& identity, const std::string& protocol, Streams io) {
  auto route = router.explain(identity, protocol, std::time(nullptr));
  if (!route) return cannot(route.error().message, io);
  tell_route(io, *route, protocol);
  if (!identity.backend_user.empty()) tell(io, "there as", printable(identity.backend_user));
  return kOk;
}

}  // namespace

int route(const RouteOptions& options, Streams io) {
  auto loaded = load_configuration(options.file, io);
  if (!loaded) return kBadConfiguration;
  (void)normalise_names(loaded->config.live);  // it was checked
  const config::Live& live = loaded->config.live;
  AsAccount as_account(*loaded);
  auto directories = open_directories(*loaded, io);
  if (directories == nullptr) return kBadConfiguration;
  Router router(live);
  Asking asking(live, directories);
  Query query;
  auto name = router.normalise(options.user);
  if (!name)
    return cannot("no login has the name " + config::in_quotes(options.user) + ": " + name.error().message, io);
  query.user = std::move(*name);
  query.protocol = options.protocol.empty() ? live.listeners[0].protocol : options.protocol;
  query.want = Want::placement;
  const LookupResult result = asking.ask(query);
  if (result.verdict == Verdict::try_later) {
    cannot(result.detail, io);
    return kTryLater;
  }
  if (query.user != options.user) tell(io, "name", printable(options.user) + " -> " + printable(query.user));
  tell(io, "user", printable(query.user));
  tell(io, "protocol", std::string(query.protocol));
  tell(io, "directory", known_by(live.auth, asking, result.verdict));
  const bool disabled = is_disabled(asking);
  if (result.verdict != Verdict::ok || disabled) {
    tell(io, "login", disabled ? "refused: disabled" : "refused: unknown");
    return kFailed;
  }
  return tell_place(router, result.identity, std::string(query.protocol), io);
}

}  // namespace postigo::commands
