// `postigo auth test USER`: a login by all that directories, rules and the router say, step by step. It asks for the
// secret, never takes it as an argument, and shows none. Not here: the steps (rehearsal.cc).
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <iostream>

#include <fmt/format.h>

#include "backends/names/configured.h"
#include "config/suggest.h"
#include "parser/base/ascii.h"
#include "proxy/base/stats.h"
#include "proxy/commands/answer_words.h"
#include "proxy/commands/configuration.h"
#include "proxy/commands/json.h"
#include "proxy/commands/place_words.h"
#include "proxy/commands/played_client.h"
#include "proxy/commands/process.h"
#include "proxy/commands/rehearsal.h"
#include "proxy/net/address.h"

namespace postigo::commands {

namespace {

// What came of it.
struct Told {
  const config::Live& live;
  const Visitor& visitor;
  const Outcome& outcome;
  const std::vector<Asking::Step>& steps;
  Result<Route> route;
  double took_ms;

  const std::string& protocol() const { return visitor.listener->protocol; }
  // The first that he can be logged in at; null: none of them.
  const config::Backend* opened() const {
    const auto& all = route->candidates;
    auto found = std::find_if(all.begin(), all.end(), [&](const auto* each) { return outcome.keys.fit(*each); });
    return found == all.end() ? nullptr : *found;
  }
  std::optional<Refused> refused() const {
    if (outcome.refused) return outcome.refused;
    if (!route) return Refused::no_route;
    return opened() == nullptr ? std::optional(Refused::master_refused) : std::nullopt;
  }
  // It says nothing about him: he is told to come again.
  bool later() const { return refused() && postigo::facts_of(*refused()).result == AuthResult::unavailable; }
  std::string there_as() const { return backend_login(outcome.keys, *opened()); }
  std::string why() const {
    if (outcome.refused || (route && opened() != nullptr)) return printable(outcome.why);
    if (!route) return printable(route.error().message);
    return "the backend wants a password, and this client says none: see auth.backend_login";
  }
};

double milliseconds(uint64_t us) { return static_cast<double>(us) / 1000; }

Result<const config::Listener*> find_listener(const config::Live& live, const AuthTestOptions& options) {
  std::vector<std::string> names;
  for (const config::Listener& each : live.listeners) {
    const bool spoken = options.protocol.empty() || each.protocol == options.protocol;
    if (spoken && (options.listener.empty() || each.name == options.listener)) return &each;
    names.push_back(each.name);
  }
  if (options.listener.empty()) return fail("no [[listener]] speaks " + options.protocol);
  return fail(fmt::format("there is no listener {}{}{}", config::in_quotes(options.listener),
                          options.protocol.empty() ? "" : " that speaks " + options.protocol,
                          config::did_you_mean(options.listener, names)));
}

Result<Visitor> find_visitor(const config::Live& live, const AuthTestOptions& options) {
  Visitor visitor{options.user, options.authzid, sasl::find_mechanism(options.mechanism), {}, nullptr, options.address};
  if (visitor.mechanism == nullptr) return fail(config::in_quotes(options.mechanism) + " is no mechanism");
  if (!options.authzid.empty() && !carries_authzid(visitor.mechanism->name)) {
    return fail(fmt::format("{} cannot say whom it wants to act as", visitor.mechanism->name));
  }
  if (!Address::parse(options.address, 0)) return fail(config::in_quotes(options.address) + " is no address");
  auto listener = find_listener(live, options);
  if (!listener) return tl::unexpected(listener.error());
  visitor.listener = *listener;
  return visitor;
}

Result<Secret> ask_for_secret(const sasl::Mechanism& mechanism, Streams io) {
  if (mechanism.asks == sasl::Asks::account) return Secret();
  if (&io.in != &std::cin || ::isatty(STDIN_FILENO) == 0) return read_password(io.in);
  return ask_password_once(mechanism.asks == sasl::Asks::token ? "Token: " : "Password: ");
}

void tell_step(const Asking::Step& step, std::string_view mechanism, Streams io) {
  tell(
      io, "asked",
      fmt::format("{} about {}: {} ({:.1f} ms)", step.directory, step.user.empty() ? "the token" : printable(step.user),
                  answer_in_words(step, mechanism), milliseconds(step.took_us)));
  for (const auto& [name, value] : facts_of(step)) tell(io, "", fmt::format("{} = {}", name, value));
  if (step.said && !step.said->detail.empty()) tell(io, "", printable(step.said->detail));
}

std::string login_in_words(const Told& told) {
  if (!told.refused()) return told.outcome.identity.verified ? "let in" : "let in, if his backend says so";
  const bool later = told.later();
  return fmt::format("{}: {} ({})", later ? "try later" : "refused", name_of(*told.refused()),
                     postigo::facts_of(*told.refused()).text);
}

void show(const Told& told, Streams io) {
  const Visitor& visitor = told.visitor;
  tell(io, "user", printable(visitor.user));
  if (!visitor.authzid.empty()) tell(io, "as", printable(visitor.authzid));
  tell(io, "mechanism",
       fmt::format("{}{}", visitor.mechanism->name,
                   Rehearsal::offered(told.live, visitor) ? "" : " (which this listener does not offer)"));
  tell(io, "listener", fmt::format("{} ({}), from {}", visitor.listener->name, told.protocol(), visitor.address));
  for (const Asking::Step& step : told.steps) tell_step(step, visitor.mechanism->name, io);
  if (told.steps.empty()) tell(io, "asked", "nobody");
  tell(io, "login", fmt::format("{} ({:.1f} ms)", login_in_words(told), told.took_ms));
  if (!told.why().empty()) tell(io, "because", told.why());
  if (told.refused()) return;
  tell_route(io, *told.route, told.protocol());
  tell(io, "there as", told.there_as());
}

Json json_of(const Asking::Step& step, std::string_view mechanism) {
  Json json = {{"directory", step.directory},
               {"user", printable(step.user)},
               {"answer", step.said ? kVerdictNames[static_cast<size_t>(step.said->verdict)] : "none"},
               {"text", answer_in_words(step, mechanism)},
               {"milliseconds", milliseconds(step.took_us)},
               {"facts", Json::object()}};
  for (const auto& [name, value] : facts_of(step)) json["facts"][name] = value;
  if (step.said && !step.said->detail.empty()) json["detail"] = printable(step.said->detail);
  return json;
}

void show_json(const Told& told, Streams io) {
  const Visitor& visitor = told.visitor;
  Json json = {{"user", printable(visitor.user)},
               {"mechanism", visitor.mechanism->name},
               {"offered", Rehearsal::offered(told.live, visitor)},
               {"listener", visitor.listener->name},
               {"protocol", told.protocol()},
               {"address", visitor.address},
               {"asked", Json::array()}};
  if (!visitor.authzid.empty()) json["as"] = printable(visitor.authzid);
  for (const Asking::Step& step : told.steps) json["asked"].push_back(json_of(step, visitor.mechanism->name));
  json["login"] = !told.refused() ? "ok" : told.later() ? "try_later" : "refused";
  json["verified"] = !told.refused() && told.outcome.identity.verified;
  if (told.refused()) json["reason"] = name_of(*told.refused());
  if (!told.why().empty()) json["because"] = told.why();
  json["milliseconds"] = told.took_ms;
  if (!told.refused()) {
    json["place"] = json_of_route(*told.route, told.protocol());
    json["there_as"] = told.there_as();
  }
  io.out << json.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
}

int rehearse(const config::Loaded& loaded, const Visitor& visitor, bool json, Streams io) {
  const config::Live& live = loaded.config.live;
  AsAccount as_account(loaded);
  auto directories = open_directories(loaded, io);
  if (directories == nullptr) return kBadConfiguration;
  Router router(live);
  Asking asking(live, directories);
  const uint64_t begun_us = uv_hrtime() / 1000;
  const Outcome outcome = Rehearsal(live, router, asking, visitor).run();
  const double took_ms = milliseconds(uv_hrtime() / 1000 - begun_us);
  Told told{live, visitor, outcome, asking.steps(), fail(""), took_ms};
  if (!outcome.refused) told.route = router.explain(outcome.identity, told.protocol(), std::time(nullptr));
  json ? show_json(told, io) : show(told, io);
  if (!told.refused()) return kOk;
  return told.later() ? kTryLater : kFailed;
}

}  // namespace

int auth_test(const AuthTestOptions& options, Streams io) {
  forbid_core_files();
  auto loaded = load_configuration(options.file, io);
  if (!loaded) return kBadConfiguration;
  (void)normalise_names(loaded->config.live);  // it was checked
  auto visitor = find_visitor(loaded->config.live, options);
  if (!visitor) {
    io.err << "postigo: " << visitor.error().message << '\n';
    return kUsage;
  }
  auto secret = ask_for_secret(*visitor->mechanism, io);
  if (!secret) {
    io.err << "postigo: " << secret.error().message << '\n';
    return kFailed;
  }
  visitor->secret = std::move(*secret);
  return rehearse(*loaded, *visitor, options.json, io);
}

}  // namespace postigo::commands
