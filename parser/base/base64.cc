// Base64 both ways. Not constant time: the peer that sent the text knows it.
#include "parser/base/base64.h"

#include <array>
#include <cstdint>

namespace postigo {
namespace {

constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<int8_t, 256> kValues = [] {
  std::array<int8_t, 256> values{};
  values.fill(-1);
  for (int i = 0; i < 64; ++i) values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<int8_t>(i);
  return values;
}();

}  // namespace

std::string base64_encode(Bytes bytes) {
  std::string text((bytes.size() + 2) / 3 * 4, '=');
  char* to = text.data();
  for (size_t i = 0; i < bytes.size(); i += 3, to += 4) {
    uint32_t group = 0;
    size_t octets = std::min<size_t>(3, bytes.size() - i);
    for (size_t k = 0; k < 3; ++k) {
      group = group << 8 | (k < octets ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    }
    for (size_t k = 0; k <= octets; ++k) to[k] = kAlphabet[group >> (18 - 6 * k) & 63];
  }
  return text;
}

std::optional<Secret> base64_decode(Bytes text) {
  if (text.size() % 4 != 0) return std::nullopt;
  size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  text.remove_suffix(padding);

  Secret result;
  uint32_t bits = 0;
  unsigned count = 0;
  char octet = 0;
  for (char c : text) {
    int value = kValues[static_cast<unsigned char>(c)];
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      octet = static_cast<char>(bits >> count & 0xff);
      result.append({&octet, 1});
    }
  }
  wipe(&octet, 1);
  if ((bits & ((1U << count) - 1)) != 0) return std::nullopt;  // RFC 4648 3.5: pad bits are zero
  return result;
}

}  // namespace postigo
