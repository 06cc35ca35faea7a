// Not here: which verb needs what (api.cc), who may open the unix socket (http.cc).
#include "proxy/ops/callers.h"

#include <fmt/format.h>
#include <openssl/mem.h>
#include <openssl/sha.h>
#include <pwd.h>

#include <array>

#include "parser/base/ascii.h"
#include "proxy/base/events.h"

namespace postigo {
namespace {

using Digest = std::array<uint8_t, SHA256_DIGEST_LENGTH>;

Digest digest_of(Bytes text) {
  Digest digest;
  SHA256(reinterpret_cast<const uint8_t*>(text.data()), text.size(), digest.data());
  return digest;
}

// Empty if it is none.
Bytes bearer_token(std::string_view authorization) {
  constexpr std::string_view kScheme = "Bearer ";
  if (!equal_ignoring_case(authorization.substr(0, kScheme.size()), kScheme)) return {};
  return authorization.substr(kScheme.size());
}

}  // namespace

std::optional<Caller> caller_by_account(const Http::Request& request) {
  if (!request.uid) return std::nullopt;
  passwd entry{}, *found = nullptr;
  char buffer[4096];
  getpwuid_r(*request.uid, &entry, buffer, sizeof(buffer), &found);
  std::string number = std::to_string(*request.uid);
  return Caller{found != nullptr ? fmt::format("{} ({})", number, entry.pw_name) : number, true};
}

// Digests have one length, and all of them are compared.
std::optional<Caller> caller_by_token(const std::vector<config::ApiToken>& tokens, const Http::Request& request) {
  Digest given = digest_of(bearer_token(request.authorization));
  const config::ApiToken* match = nullptr;
  for (const config::ApiToken& each : tokens) {
    Digest own = digest_of(each.token.reveal());
    if (CRYPTO_memcmp(own.data(), given.data(), own.size()) == 0) match = &each;
  }
  if (match == nullptr) return std::nullopt;
  return Caller{"token " + match->name, match->role == config::ApiToken::Role::operate};
}

Http::Gate gate_for(Identify identify) {
  return [identify = std::move(identify)](const Http::Request& head) -> std::optional<Http::Page> {
    if (identify(head)) return std::nullopt;
    log::write_bounded(events::api_stranger, {{"client", head.client}});
    return Http::Page{.status = 401,
                      .type = "application/json",
                      .body = "{\"error\": \"no token, or none that is known here\"}\n",
                      .fields = "WWW-Authenticate: Bearer\r\n"};
  };
}

}  // namespace postigo
