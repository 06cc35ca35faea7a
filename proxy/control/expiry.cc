// Not here: how often anybody asks (control.cc), certificates that are no good at all (net/tls_server.cc).
#include "proxy/control/expiry.h"

namespace postigo {

int64_t days_left(const CertificateFacts& facts, int64_t now_s) {
  constexpr int64_t kDayS = 24 * 3600;
  int64_t left_s = facts.not_after_s - now_s;
  return (left_s - (left_s < 0 ? kDayS - 1 : 0)) / kDayS;
}

std::vector<Expiry> expiring(const std::vector<CertificateFacts>& certificates, int64_t now_s) {
  std::vector<Expiry> found;
  for (const CertificateFacts& facts : certificates) {
    int64_t days = days_left(facts, now_s);
    if (days < kExpiryWarningDays) found.push_back({facts.name, days});
  }
  return found;
}

}  // namespace postigo
