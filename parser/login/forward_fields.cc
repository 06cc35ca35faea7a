// Which fields pass, and how POP3 packs them. Not here: who may say any (FrontPolicy::peer_speaks), and who hears them
// (facts.h).
//
// Dovecot's escapes (lib/strescape.c): what may not stand in a list is \001 and a letter.
#include "parser/login/forward_fields.h"

#include <algorithm>
#include <array>
#include <utility>

#include "parser/base/ascii.h"
#include "parser/base/base64.h"

namespace postigo {
namespace {

// A key of ID has 30 octets (RFC 2971 3.3), ten of them are "x-forward-"; a value 1024.
constexpr size_t kFieldNameMax = 20, kFieldsMax = 16, kOctetsMax = 960;
constexpr char kEscape = '\001';

struct Escaped {
  char octet, letter;
};
constexpr std::array<Escaped, 5> kEscapes = {{{'\0', '0'}, {kEscape, '1'}, {'\t', 't'}, {'\r', 'r'}, {'\n', 'n'}}};

bool is_name(Bytes name) {
  auto fits = [](char c) {
    return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') || c == '-' || c == '_' || c == '.';
  };
  return !name.empty() && name.size() <= kFieldNameMax && std::all_of(name.begin(), name.end(), fits);
}

std::string escape(Bytes text) {
  std::string escaped;
  for (char c : text) {
    auto found = std::find_if(kEscapes.begin(), kEscapes.end(), [c](const Escaped& each) { return each.octet == c; });
    if (found != kEscapes.end()) escaped += kEscape;
    escaped += found != kEscapes.end() ? found->letter : c;
  }
  return escaped;
}

std::string unescape(Bytes text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escaped = text[i] == kEscape && i + 1 < text.size();
    const char c = text[escaped ? ++i : i];
    auto found = std::find_if(kEscapes.begin(), kEscapes.end(), [c](const Escaped& each) { return each.letter == c; });
    plain += escaped && found != kEscapes.end() ? found->octet : c;
  }
  return plain;
}

std::string packed(Bytes name, Bytes value) { return std::string(name) + '=' + escape(value); }

}  // namespace

void add_forward_field(std::vector<ForwardField>& fields, Bytes name, Bytes value) {
  if (!is_name(name) || value.size() > kOctetsMax || value.find('\0') != Bytes::npos) return;
  size_t octets = packed(name, value).size();
  for (const ForwardField& each : fields) {
    if (equal_ignoring_case(each.name, name)) return;
    octets += packed(each.name, each.value).size() + 1;
  }
  if (fields.size() < kFieldsMax && octets <= kOctetsMax) fields.push_back({std::string(name), std::string(value)});
}

bool decode_forward(Bytes base64, std::vector<ForwardField>& fields) {
  auto decoded = base64_decode(base64);
  if (!decoded) return false;
  for (Bytes rest = decoded->reveal(); !rest.empty();) {
    const size_t end = std::min(rest.find('\t'), rest.size());
    const std::string field = unescape(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const size_t equals = std::min(field.find('='), field.size());
    if (equals < field.size()) add_forward_field(fields, field.substr(0, equals), field.substr(equals + 1));
  }
  return true;
}

std::string encode_forward(const std::vector<ForwardField>& fields, size_t room) {
  std::string list;
  for (const ForwardField& each : fields) {
    std::string longer = list + (list.empty() ? "" : "\t") + packed(each.name, each.value);
    if ((longer.size() + 2) / 3 * 4 <= room) list = std::move(longer);
  }
  return base64_encode(list);
}

}  // namespace postigo
