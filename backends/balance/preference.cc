// Not here: which shard a user lives in, which no weight of a backend changes (router.cc).
#include "backends/balance/preference.h"

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

}  // namespace postigo
