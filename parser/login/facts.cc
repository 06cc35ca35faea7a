// The table of facts. Values come from the kernel, from ourselves and, for the name, from the client; each is checked
// as if it came from him: one space, quote or line end in it would be another parameter, or another command.
//
// The names are those of dovecot/core: imap-login-cmd-id.c (x-connected-name and x-client-transport since 2.4) and
// cmd_xclient of the login services. No version stumbles over a name that it does not know, and POP3 announces none:
// its greeting has [XCLIENT] alone. Not here: x-forward-* and FORWARD (forward_fields.cc).
#include "parser/login/facts.h"

#include <algorithm>
#include <charconv>

#include "parser/base/ascii.h"

namespace postigo {
namespace {

constexpr size_t kSessionMax = 64;    // Dovecot ignores longer ones
constexpr size_t kHostNameMax = 253;  // RFC 1035 3.1, without the dot at the end

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
  return !text.empty() && text.size() <= kHostNameMax && std::all_of(text.begin(), text.end(), fits) &&
         is_letter_or_digit(text.front()) && is_letter_or_digit(text.back()) && text.find("..") == Bytes::npos;
}

std::string port_text(uint16_t port) { return port != 0 ? std::to_string(port) : ""; }

bool take_text(std::string& field, Bytes value, bool (*may_be)(Bytes)) {
  if (may_be(value) && field.empty()) field = value;
  return may_be(value);
}

bool take_port(uint16_t& field, Bytes value) {
  uint16_t port = 0;
  auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), port);
  if (error != std::errc() || end != value.data() + value.size()) return false;
  if (field == 0) field = port;
  return true;
}

// In the order in which Dovecot says them. `tell`: empty, or what is safe in a quoted string and as a word of a line.
// `take`: null where nothing is.
struct Row {
  std::string_view id_key, xclient_key;
  std::string (*tell)(const ClientFacts& facts);
  bool (*take)(ClientFacts& told, Bytes value);
};
using Facts = const ClientFacts&;
using Told = ClientFacts&;

std::string text_if(bool known, const std::string& text) { return known ? text : ""; }

const Row kRows[] = {
    {"x-originating-ip", "ADDR", [](Facts x) { return text_if(is_address(x.client_ip), x.client_ip); },
     [](Told x, Bytes value) { return take_text(x.client_ip, value, is_address); }},
    {"x-originating-port", "PORT", [](Facts x) { return text_if(is_address(x.client_ip), port_text(x.client_port)); },
     [](Told x, Bytes value) { return take_port(x.client_port, value); }},
    {"x-connected-ip", "DESTADDR", [](Facts x) { return text_if(is_address(x.local_ip), x.local_ip); },
     [](Told x, Bytes value) { return take_text(x.local_ip, value, is_address); }},
    {"x-connected-port", "DESTPORT", [](Facts x) { return text_if(is_address(x.local_ip), port_text(x.local_port)); },
     [](Told x, Bytes value) { return take_port(x.local_port, value); }},
    {"x-session-id", "SESSION", [](Facts x) { return text_if(is_session_id(x.session_id), x.session_id); },
     [](Told x, Bytes value) { return take_text(x.session_id, value, is_session_id) || true; }},
    {"x-session-ext-id", "SESSION", [](Facts) { return std::string(); },
     [](Told x, Bytes value) { return take_text(x.session_id, value, is_session_id) || true; }},
    {"x-proxy-ttl", "TTL", [](Facts x) { return std::to_string(x.hops_left); }, nullptr},
    {"x-client-transport", "CLIENT-TRANSPORT",
     [](Facts x) {
       return std::string(!x.tls ? "" : *x.tls ? "TLS" : "insecure");
     },
     [](Told x, Bytes value) {
       if (!x.tls) x.tls = starts_with_ignoring_case(value, "TLS");
       return true;
     }},
    {"x-connected-name", "DESTNAME", [](Facts x) { return text_if(is_host_name(x.local_name), x.local_name); },
     [](Told x, Bytes value) { return take_text(x.local_name, value, is_host_name) || true; }},
};

}  // namespace

std::vector<Fact> facts_to_tell(const ClientFacts& facts) {
  std::vector<Fact> told;
  for (const Row& row : kRows) {
    std::string value = row.tell(facts);
    if (!value.empty()) told.push_back({row.id_key, row.xclient_key, std::move(value)});
  }
  return told;
}

std::unique_ptr<ClientFacts> nothing_told() {
  auto told = std::make_unique<ClientFacts>();
  told->tls.reset();
  return told;
}

bool take_fact(ClientFacts& told, Bytes key, Bytes value) {
  for (const Row& row : kRows) {
    if (!equal_ignoring_case(key, row.id_key) && !equal_ignoring_case(key, row.xclient_key)) continue;
    return row.take == nullptr || row.take(told, value);
  }
  return true;
}

}  // namespace postigo
