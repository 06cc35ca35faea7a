// Letters, digits and UTF-8 as mail protocols see them: ASCII only, never the locale.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>

#include "parser/base/bytes.h"

namespace postigo {

constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
constexpr char to_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_ctl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

std::string lower(Bytes text);
std::string upper(Bytes text);
constexpr bool equal_ignoring_case(Bytes a, Bytes b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return to_lower(x) == to_lower(y); });
}
bool starts_with_ignoring_case(Bytes text, Bytes prefix);
bool has_ctl(Bytes text);
bool fits_in_line(Bytes text);  // no NUL, CR or LF
bool is_utf8(Bytes text);       // RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF

// The last `digits` digits of `number`.
std::string hex(uint64_t number, size_t digits);
void put_hex(uint64_t number, std::span<char> into);

// For logs: control and format characters and invalid UTF-8 as \xNN, at most `max` octets, "..." when cut (T62).
std::string printable(Bytes text, size_t max = 128);

}  // namespace postigo
