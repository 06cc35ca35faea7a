// Not here: the decisions (backends/router, session/login_backend.cc).
#include "proxy/commands/place_words.h"

#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "config/units.h"
#include "parser/base/ascii.h"

namespace postigo::commands {

namespace {

const char* name_of(config::Tls tls) {
  if (tls == config::Tls::off) return "clear text";
  return tls == config::Tls::starttls ? "STARTTLS" : "TLS";
}

std::string address_of(const config::Backend& backend, const std::string& protocol) {
  return config::format_endpoint({backend.host, backend.port(protocol)});
}

}  // namespace

void tell(Streams io, const std::string& title, const std::string& text) {
  io.out << fmt::format("{:<11}{}\n", title.empty() ? title : title + ':', text);
}

void tell_route(Streams io, const Route& route, const std::string& protocol) {
  tell(io, "pool", std::string(route.pool));
  tell(io, "shard", std::string(route.shard));
  tell(io, "reason", route.reason);
  const char* title = "backend";
  for (const config::Backend* each : route.candidates) {
    tell(io, title, fmt::format("{} ({}, {})", each->name, address_of(*each, protocol), name_of(each->tls.mode)));
    title = "then";
  }
}

nlohmann::ordered_json json_of_route(const Route& route, const std::string& protocol) {
  nlohmann::ordered_json json = {{"pool", route.pool}, {"shard", route.shard}, {"reason", printable(route.reason)}};
  json["backends"] = nlohmann::ordered_json::array();
  for (const config::Backend* each : route.candidates) {
    json["backends"].push_back(
        {{"name", each->name}, {"address", address_of(*each, protocol)}, {"tls", name_of(each->tls.mode)}});
  }
  return json;
}

// As Login::keys_for() and Keys decide it.
std::string backend_login(const config::Live& live, const config::Backend& backend, const Identity& identity,
                          const std::string& client, bool by_token) {
  const config::BackendLogin& how = live.auth.backend_login;
  const std::string user = printable(identity.backend_user.empty() ? identity.user : identity.backend_user);
  if (by_token && client.empty() && backend.forward_tokens) return user + ", by his token";
  if (identity.verified && backend.mechanism == "EXTERNAL") return user + ", by our certificate";
  if (identity.verified && !identity.backend_password.empty()) return user + ", by the password that his directory has";
  if (identity.verified && how.mode == config::BackendLogin::Mode::master_authzid) {
    return fmt::format("{}, by the master user {} (authzid)", user, how.master_user);
  }
  if (identity.verified && how.mode == config::BackendLogin::Mode::master_separator) {
    return fmt::format("{}{}{}, by the master's password", user, how.separator, how.master_user);
  }
  if (client.empty()) return user + ", by his own password";
  return fmt::format("{}, by the password of {} (authzid)", user, printable(client));
}

}  // namespace postigo::commands
