// The table of facts. Values come from the kernel, from ourselves and, for the name, from the client; each is checked
// as if it came from him: one space, quote or line end in it would be another parameter, or another command.
//
// The names are those of dovecot/core: imap-login-cmd-id.c (x-connected-name and x-client-transport since 2.4) and
// cmd_xclient of the login services. No version stumbles over a name that it does not know, and POP3 announces none:
// its greeting has [XCLIENT] alone. Not here: x-forward-* and FORWARD, which carry what a passdb of Dovecot's told its
// own proxy; we have no such fields.
#include "parser/login/facts.h"

#include <algorithm>

#include "parser/base/ascii.h"

namespace postigo {
namespace {

constexpr size_t kSessionMax = 64;  // Dovecot ignores longer ones
constexpr size_t kNameMax = 253;    // RFC 1035 3.1, without the dot at the end

bool is_address(Bytes text) {
  return !text.empty() && text.size() <= 45 && text.find_first_not_of("0123456789abcdefABCDEF.:") == Bytes::npos;
}

bool is_session_id(Bytes text) {
  return !text.empty() && text.size() <= kSessionMax &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f && c != '"' && c != '\\'; });
}

bool is_host_name(Bytes text) {
  auto is_letter_or_digit = [](char c) { return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z'); };
  auto fits = [&](char c) { return is_letter_or_digit(c) || c == '-' || c == '.'; };
  return !text.empty() && text.size() <= kNameMax && std::all_of(text.begin(), text.end(), fits) &&
         is_letter_or_digit(text.front()) && is_letter_or_digit(text.back()) && text.find("..") == Bytes::npos;
}

}  // namespace

std::vector<Fact> facts_to_tell(const ClientFacts& facts) {
  std::vector<Fact> told;
  auto tell = [&](bool known, std::string_view id_key, std::string_view xclient_key, std::string value) {
    if (known) told.push_back({id_key, xclient_key, std::move(value)});
  };
  bool client = is_address(facts.client_ip), local = is_address(facts.local_ip);
  tell(client, "x-originating-ip", "ADDR", facts.client_ip);
  tell(client && facts.client_port != 0, "x-originating-port", "PORT", std::to_string(facts.client_port));
  tell(local, "x-connected-ip", "DESTADDR", facts.local_ip);
  tell(local && facts.local_port != 0, "x-connected-port", "DESTPORT", std::to_string(facts.local_port));
  tell(is_session_id(facts.session_id), "x-session-id", "SESSION", facts.session_id);
  tell(true, "x-proxy-ttl", "TTL", std::to_string(facts.hops_left));
  tell(true, "x-client-transport", "CLIENT-TRANSPORT", facts.tls ? "TLS" : "insecure");
  tell(is_host_name(facts.local_name), "x-connected-name", "DESTNAME", facts.local_name);
  return told;
}

}  // namespace postigo
