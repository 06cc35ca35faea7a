// Reads one reply line. Tolerant where backends differ (no text, no space behind the status), strict about codes,
// because a code decides what a client does next (T56).
#include "parser/pop3/reply.h"

#include <algorithm>
#include <array>

namespace postigo::pop3 {
namespace {

constexpr size_t kCodeMax = 64;

bool is_rchar(char c) { return c > 0x20 && c < 0x7f && c != '/' && c != ']'; }

constexpr std::array<Bytes, 5> kRegistered = {"AUTH", "IN-USE", "LOGIN-DELAY", "SYS/PERM", "SYS/TEMP"};

void skip_spaces(Bytes& text) { text.remove_prefix(std::min(text.find_first_not_of(' '), text.size())); }

}  // namespace

bool is_response_code(Bytes code) {
  if (code.empty() || code.size() > kCodeMax) return false;
  char before = '/';
  for (char c : code) {
    if (c == '/' ? before == '/' : !is_rchar(c)) return false;
    before = c;
  }
  return before != '/';
}

Bytes registered_code(Bytes code) {
  for (Bytes known : kRegistered) {
    bool more_precise = code.size() > known.size() && code[known.size()] == '/';
    if (code.starts_with(known) && (code.size() == known.size() || more_precise)) return known;
  }
  return {};
}

Reply parse_reply(Bytes line) {
  Reply reply;
  if (line.starts_with("+OK")) {
    reply.status = Reply::Status::ok;
    line.remove_prefix(3);
  } else if (line.starts_with("-ERR")) {
    reply.status = Reply::Status::err;
    line.remove_prefix(4);
  } else if (line.starts_with("+ ") || line == "+") {
    reply.status = Reply::Status::proceed;
    line.remove_prefix(1);
  } else {
    return reply;
  }
  skip_spaces(line);
  size_t end = line.find(']');
  if (line.starts_with('[') && end != Bytes::npos && is_response_code(line.substr(1, end - 1))) {
    reply.code = line.substr(1, end - 1);
    line.remove_prefix(end + 1);
    skip_spaces(line);
  }
  reply.text = line;
  return reply;
}

}  // namespace postigo::pop3
