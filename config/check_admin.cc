// The admin API on TCP: can anybody use it, and nobody else? Not here: whether its address is free (check_startup.cc).
#include <string>

#include "config/check.h"
#include "config/check_shared.h"
#include "config/suggest.h"
#include "config/units.h"

namespace postigo::config {

namespace {

constexpr size_t kTokenMin = 20;  // characters: what nobody tries out

void check_token(const std::vector<ApiToken>& tokens, size_t index, Report& report) {
  const ApiToken& x = tokens[index];
  std::string path = at_index("admin.token", index);
  if (x.token.empty()) {
    if (!asks_for_secret(report, path + ".token")) {
      report.error(path, "write one of token, token_file and token_env");
    }
    return;  // what could not be read is told already
  }
  Bytes own = x.token.reveal();
  if (own.size() < kTokenMin || own.find(' ') != Bytes::npos) {
    report.error(path + ".token", "must have at least 20 characters and no blank: `openssl rand -hex 32` makes one");
  }
  for (size_t i = 0; i < index; ++i) {
    if (tokens[i].token.reveal() == own) report.error(path + ".token", "is that of " + in_quotes(tokens[i].name));
  }
}

void check_reach(const Admin& admin, Report& report) {
  if (!canonical_ip(admin.api_address.host) || is_loopback(admin.api_address.host)) return;
  if (admin.api_plaintext) {
    report.warning("admin.api_address", "tokens cross the network in the clear: keep strangers away from it");
  } else {
    report.error(
        "admin.api_address",
        "is no loopback address, and HTTP without TLS shows tokens to the network: put a TLS proxy or a tunnel "
        "before it, or allow it with api_plaintext = true");
  }
}

}  // namespace

void check_admin(const Config& config, Report& report) {
  const Admin& admin = config.startup.admin;
  const std::vector<ApiToken>& tokens = config.live.tokens;
  check_names(named("admin.token", tokens), report);
  for (size_t i = 0; i < tokens.size(); ++i) check_token(tokens, i, report);
  bool served = admin.api_address.port != 0;
  if (served && tokens.empty()) report.error("admin.api_address", "nobody could use it: add an [[admin.token]]");
  if (!served && !tokens.empty()) report.warning("admin.token", "has no effect without api_address in [admin]");
  if (served) check_reach(admin, report);
}

}  // namespace postigo::config
