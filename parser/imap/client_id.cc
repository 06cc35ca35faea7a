// The ID command's list, read leniently (T11: up to 31 KB are legal) and kept strictly.
#include "parser/imap/client_id.h"

#include <algorithm>
#include <charconv>

#include "parser/base/ascii.h"
#include "parser/imap/lexer.h"
#include "parser/login/facts.h"
#include "parser/login/forward_fields.h"

namespace postigo::imap {
namespace {

// RFC 2971 3.3 has 30 fields, keys of 30 and values of 1024 octets; Dovecot takes a line of 4 to 8 KB.
constexpr size_t kKeyMax = 30;
constexpr size_t kValueMax = 1024;
constexpr size_t kPairsMax = 4096;

bool is_key_char(char c) {
  return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') || c == '-' || c == '_' || c == '.';
}

bool forwardable(Bytes key, Bytes value) {
  bool key_is_fine = !key.empty() && key.size() <= kKeyMax && std::all_of(key.begin(), key.end(), is_key_char) &&
                     !starts_with_ignoring_case(key, "x-");
  return key_is_fine && value.size() <= kValueMax && fits_in_quotes(value);
}

void note_fact(Bytes key, Bytes value, ClientFacts* told) {
  if (told == nullptr) return;
  if (!starts_with_ignoring_case(key, kForward)) {
    take_fact(*told, key, value);
  } else if (fits_in_quotes(value)) {
    add_forward_field(told->forward, key.substr(kForward.size()), value);
  }
}

void note_hops(Bytes key, Bytes value, std::optional<unsigned>& hops_left) {
  if (!equal_ignoring_case(key, "x-proxy-ttl")) return;
  unsigned number = 0;
  auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error == std::errc() && end == value.data() + value.size()) hops_left = number;
}

std::string quoted(Bytes text) {
  std::string result = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

}  // namespace

bool fits_in_quotes(Bytes value) {
  return std::all_of(value.begin(), value.end(), [](char c) { return c >= ' ' && c < 0x7f; });
}

std::string id_pair(Bytes key, Bytes value) { return quoted(key) + ' ' + quoted(value); }

bool parse_client_id(Bytes arguments, std::string& pairs, std::optional<unsigned>& hops_left, ClientFacts* told) {
  pairs.clear();
  Lexer in(arguments);
  if (!in.take(' ')) return false;
  if (in.take_word("NIL")) return in.at_end();
  if (!in.take('(')) return false;
  while (!in.take(')')) {
    Secret key;
    Secret value;
    while (in.take(' ')) {
    }
    if (in.take(')')) break;
    if (!in.string(key) || !in.take(' ')) return false;
    bool nil = in.take_word("NIL");
    if (!nil && !in.string(value)) return false;
    if (!nil) note_hops(key.reveal(), value.reveal(), hops_left);
    if (!nil) note_fact(key.reveal(), value.reveal(), told);
    if (nil || !forwardable(key.reveal(), value.reveal())) continue;
    std::string pair = id_pair(key.reveal(), value.reveal());
    if (pairs.size() + pair.size() + 1 > kPairsMax) continue;
    if (!pairs.empty()) pairs += ' ';
    pairs += pair;
  }
  return in.at_end();
}

}  // namespace postigo::imap
