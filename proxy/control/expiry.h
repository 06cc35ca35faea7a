// Which certificates are about to expire: facts and a time in, what to warn of out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proxy/net/tls_server.h"

namespace postigo {

constexpr int64_t kExpiryWarningDays = 14;

struct Expiry {
  std::string name;
  int64_t days;  // that are left, whole ones; below 0: it is over
  bool operator==(const Expiry&) const = default;
};

// Whole days until then, rounded down, also below 0: an hour after the end is not "0 days left".
int64_t days_left(const CertificateFacts& facts, int64_t now_s);

// In the order of the configuration. Each once, under its first name; two of one name (RSA and ECDSA) are two.
std::vector<Expiry> expiring(const std::vector<CertificateFacts>& certificates, int64_t now_s);

}  // namespace postigo
