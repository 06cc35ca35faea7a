// Callers: who asks the admin API, and what he may.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "proxy/ops/http.h"

namespace postigo {

struct Caller {
  std::string name;       // for the log: "0 (root)", "token deploy"
  bool operates = false;  // else he only looks
};

// None: a stranger. Any thread that the request belongs to.
using Identify = std::function<std::optional<Caller>(const Http::Request& request)>;

// By the account at the other end of the unix socket, which lets in nobody else.
std::optional<Caller> caller_by_account(const Http::Request& request);

// By `Authorization: Bearer TOKEN` (RFC 6750 2.1), in a time that tells nothing of the tokens.
std::optional<Caller> caller_by_token(const std::vector<config::ApiToken>& tokens, const Http::Request& request);

// Strangers hear 401 before anything of a body is read.
Http::Gate gate_for(Identify identify);

}  // namespace postigo
