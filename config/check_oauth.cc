// What a directory of type "oauth" may not contradict, and what goes over the network for anybody to change. Not here:
// whether the issuer answers (`postigo check --connect`), whether a token is good (the driver).
#include "config/check_shared.h"
#include "config/suggest.h"
#include "config/units.h"

namespace postigo::config {

namespace {

// Of "http://host:port/path", where others than this machine could listen.
bool is_open(const std::string& url) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) return false;
  const std::string_view rest = std::string_view(url).substr(kScheme.size());
  const std::string authority(rest.substr(0, rest.find_first_of("/?#")));
  auto endpoint = parse_endpoint(authority, 80);
  return !endpoint || !is_loopback(endpoint->host);
}

}  // namespace

void check_oauth(const Directory& x, const std::string& path, Report& report) {
  const OAuth& own = x.oauth;
  const bool learns = own.discovery && own.jwks.empty() && own.introspection.empty();
  auto warn = [&](const char* key, const std::string& url, const char* what) {
    if (is_open(url)) report.warning(path + ".oauth." + key, in_quotes(url) + " has no TLS: " + what);
  };
  constexpr const char* kKeys = "who is on the way may put in keys of his own, and with them any token is good";
  if (learns) warn("issuer", own.issuer, kKeys);
  warn("jwks", own.jwks, kKeys);
  warn("introspection", own.introspection, "who is on the way reads tokens, and may say that any is good");
}

}  // namespace postigo::config
