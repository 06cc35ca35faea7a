// `postigo route USER`: the decision that a login of this user would meet, in words. Asks the same directories (without
// a password) and the same Router; connects to no backend. What operators have ordered since, `postigo ctl route`
// knows.
#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>

#include "backends/names/configured.h"
#include "config/suggest.h"
#include "parser/base/ascii.h"
#include "proxy/commands/asking.h"
#include "proxy/commands/configuration.h"
#include "proxy/commands/place_words.h"
#include "proxy/session/naming.h"

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

// What came of it.
struct Told {
  std::string written;  // the name, as it was asked about
  const Query& query;
  std::string directory;  // who knows him
  std::string refused;    // empty: he may come in
  std::optional<Route> route;
  const Identity& identity;
};

void show(const Told& told, Streams io) {
  const std::string protocol(told.query.protocol);
  if (told.query.user != told.written) tell(io, "name", printable(told.written) + " -> " + printable(told.query.user));
  tell(io, "user", printable(told.query.user));
  tell(io, "protocol", protocol);
  tell(io, "directory", told.directory);
  if (!told.refused.empty()) tell(io, "login", "refused: " + told.refused);
  if (!told.route) return;
  tell_route(io, *told.route, protocol);
  if (!told.identity.backend_user.empty()) tell(io, "there as", printable(told.identity.backend_user));
}

void show_json(const Told& told, Streams io) {
  nlohmann::ordered_json json = {{"user", printable(told.query.user)},
                                 {"protocol", told.query.protocol},
                                 {"directory", told.directory},
                                 {"login", told.refused.empty() ? "ok" : "refused"}};
  if (told.query.user != told.written) json["name"] = printable(told.written);
  if (!told.refused.empty()) json["reason"] = told.refused;
  if (told.route) json["place"] = json_of_route(*told.route, std::string(told.query.protocol));
  if (!told.identity.backend_user.empty()) json["there_as"] = printable(told.identity.backend_user);
  io.out << json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
}

// `result`: of a directory that has answered.
int answer(const RouteOptions& options, const Router& router, const Query& query, const std::string& directory,
           bool disabled, LookupResult& result, Streams io) {
  Told told{options.user, query, directory, "", {}, result.identity};
  if (disabled) {
    told.refused = "disabled";
  } else if (result.verdict != Verdict::ok) {
    told.refused = "unknown";
  } else if (!be_called(result.identity, query.user, Spelling::kept, router)) {
    return cannot("no login has the name that it gives him: " + result.identity.user, io);
  }
  Result<Route> route = fail("");
  if (told.refused.empty()) {
    route = router.explain(result.identity, std::string(query.protocol), std::time(nullptr));
    if (route) told.route = std::move(*route);
  }
  options.json ? show_json(told, io) : show(told, io);
  if (told.refused.empty() && !route) return cannot(route.error().message, io);
  return told.refused.empty() ? kOk : kFailed;
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
  LookupResult result = asking.ask(query);
  if (result.verdict == Verdict::try_later) {
    cannot(result.detail, io);
    return kTryLater;
  }
  return answer(options, router, query, known_by(live.auth, asking, result.verdict), is_disabled(asking), result, io);
}

}  // namespace postigo::commands
