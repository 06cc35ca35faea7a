// Grammar only. Not here: what the parts must be equal to (scram.cc).
#include "parser/sasl/scram_message.h"

#include <algorithm>
#include <charconv>

#include "parser/base/ascii.h"
#include "parser/sasl/credentials.h"

namespace postigo::sasl {
namespace {

constexpr size_t kNonceMax = 512;

// Cuts what stands before the next comma off `text`, and the comma; the last part has none.
Bytes take_part(Bytes& text) {
  size_t comma = text.find(',');
  Bytes part = text.substr(0, comma);
  text = comma == Bytes::npos ? Bytes() : text.substr(comma + 1);
  return part;
}

bool is_binding_name(Bytes name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') || c == '.' || c == '-';
  });
}

bool is_nonce(Bytes nonce) {
  return !nonce.empty() && nonce.size() <= kNonceMax &&
         std::all_of(nonce.begin(), nonce.end(), [](char c) { return c > ' ' && c < 0x7f && c != ','; });
}

// attr-val: a letter, "=", and at least one octet. Those of today have no meaning for us; "m" must be understood.
bool is_extension(Bytes part) {
  bool letter = !part.empty() && to_lower(part[0]) >= 'a' && to_lower(part[0]) <= 'z';
  return letter && part.size() > 2 && part[1] == '=' && part[0] != 'm' && part.find('\0') == Bytes::npos;
}

bool are_extensions(Bytes text) {
  while (!text.empty()) {
    bool last = text.find(',') == Bytes::npos;
    if (!is_extension(take_part(text)) || (!last && text.empty())) return false;
  }
  return true;
}

bool take_value(Bytes& text, Bytes key, Bytes& value) {
  if (!text.starts_with(key)) return false;
  value = take_part(text).substr(key.size());
  return true;
}

bool parse_flag(Bytes part, ScramFirst& message) {
  if (part == "n" || part == "y") {
    message.flag = part[0];
    return true;
  }
  message.flag = 'p';
  message.binding = part.substr(std::min<size_t>(2, part.size()));
  return part.starts_with("p=") && is_binding_name(message.binding);
}

}  // namespace

bool parse(Bytes text, ScramFirst& message) {
  Bytes rest = text;
  if (std::count(text.begin(), text.end(), ',') < 3 || !parse_flag(take_part(rest), message)) return false;
  Bytes authzid = take_part(rest);
  if (!authzid.empty() && !(authzid.starts_with("a=") && decode_saslname(authzid.substr(2), message.authzid))) {
    return false;
  }
  message.header = text.substr(0, text.size() - rest.size());
  message.bare = rest;
  Bytes user;
  if (!take_value(rest, "n=", user) || !decode_saslname(user, message.user)) return false;
  bool more = rest.find(',') != Bytes::npos;
  if (!take_value(rest, "r=", message.nonce) || !is_nonce(message.nonce)) return false;
  return more ? !rest.empty() && are_extensions(rest) : rest.empty();
}

bool parse(Bytes text, ScramFinal& message) {
  size_t proof = text.rfind(",p=");
  if (proof == Bytes::npos) return false;
  message.without_proof = text.substr(0, proof);
  message.proof = text.substr(proof + 3);
  Bytes rest = message.without_proof;
  bool more = std::count(rest.begin(), rest.end(), ',') > 1;
  if (!take_value(rest, "c=", message.binding) || !take_value(rest, "r=", message.nonce)) return false;
  return is_nonce(message.nonce) && (more ? !rest.empty() && are_extensions(rest) : rest.empty());
}

bool parse(Bytes text, ScramServerFirst& message) {
  Bytes rest = text, digits;
  bool more = std::count(rest.begin(), rest.end(), ',') > 2;
  if (!take_value(rest, "r=", message.nonce) || !take_value(rest, "s=", message.salt) ||
      !take_value(rest, "i=", digits)) {
    return false;
  }
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), message.iterations);
  if (error != std::errc() || end != digits.data() + digits.size() || digits[0] == '0') return false;
  return is_nonce(message.nonce) && (more ? !rest.empty() && are_extensions(rest) : rest.empty());
}

}  // namespace postigo::sasl
