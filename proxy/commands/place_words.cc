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

std::string backend_login(const Keys& keys, const config::Backend& backend) {
  const BackLogin login = keys.at(backend);
  const std::string user = printable(keys.user), by = printable(login.authcid);
  if (login.key == DoorKey::token) return user + ", by his token";
  if (login.key == DoorKey::certificate) return user + ", by our certificate";
  if (!login.master && login.authzid.empty()) return user + ", by his own password";
  if (!login.master) return fmt::format("{}, by the password of {} (authzid)", user, by);
  if (!login.authzid.empty()) return fmt::format("{}, by the master user {} (authzid)", user, by);
  if (login.authcid != keys.user) return by + ", by the master's password";
  return user + ", by the password that his directory has";
}

}  // namespace postigo::commands
