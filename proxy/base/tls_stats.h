// What is counted of TLS handshakes that succeeded, on one side: by version, key exchange and signature. One writer
// (the worker), any reader; net/tls_count.h fills it in.
#pragma once

#include <array>
#include <string_view>

#include "parser/base/counter.h"

namespace postigo {

// As IANA calls them. none: the session has no key exchange of this kind.
inline constexpr std::array<std::string_view, 7> kTlsGroupNames = {"X25519MLKEM768", "X25519", "secp256r1", "secp384r1",
                                                                   "secp521r1",      "other",  "none"};
// What the server has signed with.
inline constexpr std::array<std::string_view, 4> kTlsSignatureNames = {"ecdsa", "rsa", "eddsa", "other"};

struct TlsStats {
  std::array<std::array<Counter, 2>, 2> handshakes;  // [TLS 1.3][resumed]
  std::array<Counter, kTlsGroupNames.size()> groups;
  std::array<Counter, kTlsSignatureNames.size()> signatures;  // of those that were not resumed
};

}  // namespace postigo
