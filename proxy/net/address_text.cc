// By hand, because the library's way leads through printf. Not here: what an address is (address.cc).
#include "proxy/net/address_text.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>

namespace postigo {
namespace {

constexpr size_t kWords = 8;  // of IPv6

// "0." to "255.", as many octets as there are digits, and one.
struct Decimal {
  std::array<char, 4> text{};
  uint8_t size = 0;
};
constexpr auto kDecimals = [] {
  std::array<Decimal, 256> all{};
  for (unsigned number = 0; number < 256; ++number) {
    Decimal& each = all[number];
    if (number >= 100) each.text[each.size++] = static_cast<char>('0' + number / 100);
    if (number >= 10) each.text[each.size++] = static_cast<char>('0' + number / 10 % 10);
    each.text[each.size++] = static_cast<char>('0' + number % 10);
    each.text[each.size++] = '.';
  }
  return all;
}();

// Writes one octet more than it says: the dot behind the last number.
char* put_dotted(char* to, const uint8_t* octets) {
  for (size_t i = 0; i < 4; ++i) {
    const Decimal& each = kDecimals[octets[i]];
    std::memcpy(to, each.text.data(), each.text.size());
    to += each.size;
  }
  return to - 1;
}

char* put_hexadecimal(char* to, uint16_t number) { return std::to_chars(to, to + 4, number, 16).ptr; }

struct Zeros {
  size_t at = kWords, size = 0;
};

// The longest run of words that are zero, the first one of them; one alone is none (RFC 5952 4.2).
Zeros longest_zeros(const std::array<uint16_t, kWords>& words) {
  Zeros longest{kWords, 1};
  for (size_t i = 0; i < kWords;) {
    size_t end = i;
    while (end < kWords && words[end] == 0) ++end;
    if (end - i > longest.size) longest = {i, end - i};
    i = end + 1;
  }
  return longest.at == kWords ? Zeros{} : longest;
}

// As inet_ntop: IPv4-compatible addresses (RFC 4291 2.5.5.1) end as IPv4.
char* put_ipv6(char* to, const uint8_t* octets) {
  std::array<uint16_t, kWords> words{};
  for (size_t i = 0; i < kWords; ++i) words[i] = static_cast<uint16_t>(octets[2 * i] << 8 | octets[2 * i + 1]);
  const Zeros zeros = longest_zeros(words);
  if (zeros.at == 0 && zeros.size == 6) {
    to = std::copy_n("::", 2, to);
    return put_dotted(to, octets + 12);
  }
  for (size_t i = 0; i < kWords; ++i) {
    if (i == zeros.at) {
      to = std::copy_n("::", i == 0 ? 2 : 1, to);
      i += zeros.size - 1;
      continue;
    }
    to = put_hexadecimal(to, words[i]);
    if (i + 1 < kWords) *to++ = ':';
  }
  return to;
}

// The octets of an IPv4 address, mapped or not; null if it is none.
const uint8_t* ipv4_of(const Address& address) {
  constexpr std::array<uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  const sockaddr* any = address.get();
  if (any->sa_family == AF_INET) {
    return reinterpret_cast<const uint8_t*>(&reinterpret_cast<const sockaddr_in*>(any)->sin_addr);
  }
  if (any->sa_family != AF_INET6) return nullptr;
  const uint8_t* octets = reinterpret_cast<const sockaddr_in6*>(any)->sin6_addr.s6_addr;
  return std::equal(kMapped.begin(), kMapped.end(), octets) ? octets + kMapped.size() : nullptr;
}

}  // namespace

char* put_host(char* to, const Address& address) {
  if (const uint8_t* ipv4 = ipv4_of(address)) return put_dotted(to, ipv4);
  if (address.get()->sa_family != AF_INET6) return to;
  return put_ipv6(to, reinterpret_cast<const sockaddr_in6*>(address.get())->sin6_addr.s6_addr);
}

AddressText::AddressText(const Address& address) {
  char* to = octets_.data();
  if (const uint8_t* ipv4 = ipv4_of(address)) {
    to = put_dotted(to, ipv4);
  } else if (address.get()->sa_family == AF_INET6) {
    *to++ = '[';
    to = put_host(to, address);
    *to++ = ']';
  }
  *to++ = ':';
  to = std::to_chars(to, octets_.data() + octets_.size(), address.port()).ptr;
  size_ = static_cast<size_t>(to - octets_.data());
}

}  // namespace postigo
