// The bodies of ascii.h: small loops, no tables.
#include "parser/base/ascii.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace postigo {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

// Length of the well-formed UTF-8 sequence at the front of `text`, 0 if there is none (RFC 3629 4).
size_t utf8_sequence(Bytes text) {
  auto at = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  auto tail = [&](size_t i, unsigned low = 0x80, unsigned high = 0xbf) {
    return i < text.size() && at(i) >= low && at(i) <= high;
  };
  unsigned first = at(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return tail(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    unsigned low = first == 0xe0 ? 0xa0 : 0x80;
    unsigned high = first == 0xed ? 0x9f : 0xbf;
    return tail(1, low, high) && tail(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    unsigned low = first == 0xf0 ? 0x90 : 0x80;
    unsigned high = first == 0xf4 ? 0x8f : 0xbf;
    return tail(1, low, high) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

// Eight octets at once: lists of capabilities are long, and every login has two. In each octet the highest bit says
// what the sum of the others says: that it is at least 'a', or beyond 'z'.
uint64_t upper_of_eight(uint64_t text) {
  constexpr uint64_t kEach = 0x0101010101010101;
  uint64_t others = text & 0x7f * kEach;
  uint64_t from_a = others + (0x80 - 'a') * kEach;
  uint64_t beyond_z = others + (0x7f - 'z') * kEach;
  uint64_t letters = from_a & ~beyond_z & ~text & 0x80 * kEach;
  return text - (letters >> 2);
}

void append_hex(std::string& to, char c) {
  auto octet = static_cast<unsigned char>(c);
  to += {'\\', 'x', kHexDigits[octet >> 4], kHexDigits[octet & 15]};
}

}  // namespace

std::string lower(Bytes text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), to_lower);
  return result;
}

std::string upper(Bytes text) {
  std::string result(text);
  size_t at = 0;
  for (uint64_t eight; at + sizeof(eight) <= result.size(); at += sizeof(eight)) {
    std::memcpy(&eight, &result[at], sizeof(eight));
    eight = upper_of_eight(eight);
    std::memcpy(&result[at], &eight, sizeof(eight));
  }
  for (; at < result.size(); ++at) result[at] = to_upper(result[at]);
  return result;
}

bool starts_with_ignoring_case(Bytes text, Bytes prefix) {
  return text.size() >= prefix.size() && equal_ignoring_case(text.substr(0, prefix.size()), prefix);
}

bool has_ctl(Bytes text) { return std::any_of(text.begin(), text.end(), is_ctl); }

bool fits_in_line(Bytes text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return c == '\0' || c == '\r' || c == '\n'; });
}

bool is_utf8(Bytes text) {
  while (!text.empty()) {
    size_t length = utf8_sequence(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string hex(uint64_t number, size_t digits) {
  std::string text(digits, '0');
  put_hex(number, text);
  return text;
}

void put_hex(uint64_t number, std::span<char> into) {
  for (size_t at = into.size(); at-- > 0; number >>= 4) into[at] = kHexDigits[number & 15];
}

namespace {

// Characters that change how a line looks rather than what it says: C1 controls, direction marks and overrides, line
// separators, the byte order mark. `sequence` is well-formed UTF-8.
bool misleads(Bytes sequence) {
  if (sequence.size() == 2) return sequence < "\xc2\xa0";
  return (sequence >= "\xe2\x80\x8b" && sequence <= "\xe2\x80\x8f") ||
         (sequence >= "\xe2\x80\xa8" && sequence <= "\xe2\x80\xae") ||
         (sequence >= "\xe2\x81\xa0" && sequence <= "\xe2\x81\xaf") || sequence == "\xef\xbb\xbf";
}

}  // namespace

std::string printable(Bytes text, size_t max) {
  auto plain = [](char c) { return c >= ' ' && c <= '~' && c != '\\'; };
  if (text.size() + 4 <= max && std::all_of(text.begin(), text.end(), plain)) return std::string(text);  // most
  std::string result;
  while (!text.empty()) {
    size_t length = is_ctl(text[0]) || text[0] == '\\' ? 0 : utf8_sequence(text);
    if (length > 1 && misleads(text.substr(0, length))) length = 0;
    if (result.size() + 4 > max) return result + "...";
    if (length == 0) {
      append_hex(result, text[0]);
      length = 1;
    } else {
      result.append(text.substr(0, length));
    }
    text.remove_prefix(length);
  }
  return result;
}

}  // namespace postigo
