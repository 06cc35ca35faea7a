// Where a user lives and how we log in there, in words for an operator.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "backends/router.h"
#include "config/config.h"
#include "proxy/commands/commands.h"
#include "proxy/session/keys.h"

namespace postigo::commands {

// "title:    text", and a line end; without a title it goes on with the line before.
void tell(Streams io, const std::string& title, const std::string& text);

// Pool, shard, reason and backends of a route, a line each.
void tell_route(Streams io, const Route& route, const std::string& protocol);
nlohmann::ordered_json json_of_route(const Route& route, const std::string& protocol);

// As whom, and by whose key: never the key itself. REQUIRES: keys.fit(backend).
std::string backend_login(const Keys& keys, const config::Backend& backend);

}  // namespace postigo::commands
