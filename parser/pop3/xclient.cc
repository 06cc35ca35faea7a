// Writes XCLIENT. Values come from the kernel and from ourselves, but each is checked as if it did not: one space or
// line end in it would be another parameter, or another command (A3, A4).
#include "parser/pop3/xclient.h"

#include <algorithm>

namespace postigo::pop3 {
namespace {

constexpr size_t kSessionMax = 64;  // Dovecot ignores longer ones

bool is_address(Bytes text) {
  return !text.empty() && text.size() <= 45 && text.find_first_not_of("0123456789abcdefABCDEF.:") == Bytes::npos;
}

bool is_session_id(Bytes text) {
  return !text.empty() && text.size() <= kSessionMax &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

void append(std::string& to, Bytes key, Bytes value) { to.append(" ").append(key).append("=").append(value); }

}  // namespace

std::string xclient_command(const ClientFacts& facts) {
  std::string command = "XCLIENT";
  if (is_address(facts.client_ip)) {
    append(command, "ADDR", facts.client_ip);
    append(command, "PORT", std::to_string(facts.client_port));
  }
  if (is_address(facts.local_ip)) {
    append(command, "DESTADDR", facts.local_ip);
    append(command, "DESTPORT", std::to_string(facts.local_port));
  }
  if (is_session_id(facts.session_id)) append(command, "SESSION", facts.session_id);
  append(command, "TTL", std::to_string(facts.hops_left));
  return command;
}

}  // namespace postigo::pop3
