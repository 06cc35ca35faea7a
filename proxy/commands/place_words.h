// Where a user lives and how we log in there, in words for an operator.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "backends/router.h"
#include "config/config.h"
#include "proxy/commands/commands.h"

namespace postigo::commands {

// "title:    text", and a line end; without a title it goes on with the line before.
void tell(Streams io, const std::string& title, const std::string& text);

// Pool, shard, reason and backends of a route, a line each.
void tell_route(Streams io, const Route& route, const std::string& protocol);
nlohmann::ordered_json json_of_route(const Route& route, const std::string& protocol);

// As whom, and by whose key: never the key itself. `client`: himself, if he acts as somebody else.
std::string backend_login(const config::Live& live, const config::Backend& backend, const Identity& identity,
                          const std::string& client, bool by_token);

}  // namespace postigo::commands
