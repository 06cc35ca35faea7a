// What reading (v1.cc, v2.cc) and writing (encode.cc) of the PROXY protocol have in common. Not for other folders.
#pragma once

#include "parser/proxy_protocol/header.h"

namespace postigo::proxy_protocol {

inline constexpr Bytes kV1Begin = "PROXY ";
inline constexpr Bytes kSignature{"\r\n\r\n\0\r\nQUIT\n", 12};
inline constexpr size_t kFixedSize = 16;  // signature, version and command, family, length

// Types of TLVs, and of those in SSL (2.2.1 to 2.2.8).
enum class Type : uint8_t {
  alpn = 0x01,
  authority = 0x02,
  crc32c = 0x03,
  noop = 0x04,
  unique_id = 0x05,
  ssl = 0x20,
  ssl_version = 0x21,
  ssl_cn = 0x22,
  ssl_cipher = 0x23,
  hops = 0xe7,  // ours, of the range for applications (2.2.8): its value names itself, as others may use the number
};
inline constexpr size_t kUniqueIdMax = 128;
inline constexpr size_t kAlpnMax = 255;
inline constexpr Bytes kHopsBegin = "hops=";  // and a number of one to three digits
inline constexpr uint8_t kClientSsl = 1, kClientCertificate = 2 | 4;

// RFC 3720 B.4, of `in` behind what `sum` is of.
uint32_t crc32c(Bytes in, uint32_t sum = 0);

inline Parsed bad(const char* why) { return {Parsed::State::bad, 0, why}; }

Parsed parse_v1(Bytes in);  // REQUIRES: in begins with kV1Begin
Parsed parse_v2(Bytes in);  // REQUIRES: in begins with kSignature

}  // namespace postigo::proxy_protocol
