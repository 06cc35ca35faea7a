// The PROXY protocol (HAProxy's proxy-protocol.txt), versions 1 and 2: what a balancer says of the client before the
// client's first octet.
//
// Sans I/O and without state: offer all that has come so far, again with more behind it, until it is decided. A header
// is to be believed only from those who are trusted to tell the truth; that is for the caller to know.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "parser/base/bytes.h"

namespace postigo::proxy_protocol {

struct Endpoint {
  std::array<uint8_t, 16> address{};  // of IPv4: the first four octets
  uint16_t port = 0;
  bool operator==(const Endpoint&) const = default;
};

// The client's TLS, as the balancer that ended it tells.
struct Ssl {
  bool tls = false;          // the client speaks TLS to the balancer
  bool certificate = false;  // and has shown one, in this connection or in this session
  bool verified = false;     // which is good
  std::string version;       // "TLSv1.3"
  std::string cipher;        // "TLS_AES_128_GCM_SHA256"
  std::string common_name;   // of the certificate
  bool operator==(const Ssl&) const = default;
};

struct Header {
  enum class Family : uint8_t { none, ipv4, ipv6 };  // none: the connection's own addresses are the true ones
  bool local = false;                                // the balancer speaks for itself: a health check
  Family family = Family::none;
  Endpoint source, destination;
  std::string alpn;       // what the client's TLS agreed on (RFC 7301): printable ASCII; other names are left out
  std::string authority;  // the name that the client asked for (SNI)
  std::string unique_id;  // of the connection, as the balancer calls it; any octets
  std::optional<Ssl> ssl;
  // How many proxies a login may pass from the receiver on (T63): in a type of our own, which others ignore.
  std::optional<uint8_t> hops_left;
  bool operator==(const Header&) const = default;
};

struct Parsed {
  enum class State {
    more,    // not decided yet
    absent,  // no header begins like this
    bad,     // one begins, and it is wrong: `why`
    done,    // the first `consumed` octets are `header`
  };
  State state = State::more;
  size_t consumed = 0;
  const char* why = "";  // static text
  Header header{};
};

Parsed parse(Bytes in);

inline constexpr size_t kV1Max = 107;       // with its CRLF (2.1)
inline constexpr size_t kV2BodyMax = 4096;  // of up to 64 KB: addresses and names take a few hundred octets
inline constexpr size_t kHeaderMax = 16 + kV2BodyMax;

// The other direction. Version 1 has no room for more than addresses.
std::string encode_v1(const Header& header);
// With AUTHORITY, SSL, ALPN, UNIQUE_ID and the hops as far as they are there and fit.
std::string encode_v2(const Header& header);

}  // namespace postigo::proxy_protocol
