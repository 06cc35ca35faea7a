// Not here: how often anybody asks (control.cc), certificates that are no good at all (net/tls_server.cc).
#include "proxy/control/expiry.h"

namespace postigo {
namespace {

constexpr int64_t kDayS = 24 * 3600;

// Rounded down, also below 0: an hour after the end is not "0 days left".
int64_t whole_days(int64_t seconds) { return (seconds - (seconds < 0 ? kDayS - 1 : 0)) / kDayS; }

}  // namespace

std::vector<Expiry> expiring(const std::vector<CertificateFacts>& certificates, int64_t now_s) {
  std::vector<Expiry> found;
  for (const CertificateFacts& facts : certificates) {
    int64_t days = whole_days(facts.not_after_s - now_s);
    if (days < kExpiryWarningDays) found.push_back({facts.name, days});
  }
  return found;
}

}  // namespace postigo
