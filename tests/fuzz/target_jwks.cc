// Sets of keys, as a URL gives them. Oracles: bounded, and whatever keys there are, they know no algorithm but those of
// public keys, and nothing that nobody has signed is signed by one of them.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "backends/oauth/jwk.h"

namespace {

void require(bool holds) {
  if (!holds) abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using postigo::oauth::JwkSet;
  const std::string text(reinterpret_cast<const char*>(data), size);
  auto set = JwkSet::parse(text);
  if (!set) {
    require(!set.error().message.empty() && set.error().message.size() < 100);
    return 0;
  }
  require(set->size() > 0 && set->size() <= JwkSet::kKeysMax && text.find("\"keys\"") != std::string::npos);
  for (const char* algorithm : {"none", "None", "HS256", "HS512", "", "A128KW", "dir"}) {
    require(!set->knows("", algorithm) && !set->verify("", algorithm, "text", ""));
  }
  for (const char* algorithm : {"RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA"}) {
    for (size_t octets : {0U, 1U, 64U, 96U, 132U, 256U, 512U}) {
      for (char octet : {'\0', '\1', '\xff'}) require(!set->verify("", algorithm, "text", std::string(octets, octet)));
    }
  }
  return 0;
}
