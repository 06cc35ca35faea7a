// The message of n octets that sink and load agree on: lines of 76 characters of base64, whose last one ends with CRLF
// too. Made once; messages are pieces of it, so that neither side spends time on making or on knowing them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace postigo::bench {

class Payload {
 public:
  static constexpr size_t kLine = 78;
  static constexpr size_t kLines = 13443;
  static constexpr size_t kBlock = kLine * kLines;  // just below 1 MiB
  static constexpr size_t kTail = 3;

  // The octets of message `size` from `offset` on, as far as they lie side by side in memory. Lives for ever.
  static std::string_view piece(size_t size, size_t offset);
  // Is `data` what message `size` has at `offset`? data must not reach beyond its end.
  static bool matches(size_t size, size_t offset, std::string_view data);
  static uint32_t crc(size_t size);
};

// CRC-32C (RFC 3720 B.4), continued from `crc`; by the CPU's instruction where it has one.
uint32_t crc32c(uint32_t crc, std::string_view data);

}  // namespace postigo::bench
