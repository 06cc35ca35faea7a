// Not here: which shard a user lives in, which no weight of a backend changes (router.cc).
#include "backends/balance/preference.h"

#include <algorithm>
#include <string>

#include "backends/balance/siphash.h"

namespace postigo {
namespace {

constexpr SipKey kShareKey = sip_key("postigo/share/v1");

}  // namespace

bool in_share(Bytes user, Bytes backend, unsigned percent) {
  std::string both(user);
  both += '\0';
  both += backend;
  return siphash(kShareKey, both) % 100 < percent;
}

void prefer(Route& route, Bytes user, const std::function<unsigned(const config::Backend&)>& percent_of) {
  if (route.candidates.size() < 2) return;
  std::stable_partition(route.candidates.begin(), route.candidates.end(), [&](const config::Backend* backend) {
    unsigned percent = percent_of(*backend);
    return percent >= 100 || in_share(user, backend->name, percent);
  });
}

}  // namespace postigo
