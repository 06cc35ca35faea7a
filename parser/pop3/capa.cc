// Which capability may be said when. Not here: writing the list (front.cc) and rewriting one (filter.cc).
#include "parser/pop3/capa.h"

#include <algorithm>

#include "parser/base/ascii.h"

namespace postigo::pop3 {
namespace {

// From the IANA registry what is of use after login and passes through us. UTF8 is not among them: its command is
// valid before login only (RFC 6856 2.1), where we answer, and we do not offer it. CAPA is Dovecot's.
constexpr std::array<std::string_view, 4> kRelayed = {"CAPA", "EXPIRE", "LOGIN-DELAY", "LANG"};

constexpr std::array<std::string_view, 3> kOnlyBeforeLogin = {"STLS", "SASL", "XCLIENT"};

bool contains(const auto& names, Bytes name) {
  return std::any_of(names.begin(), names.end(), [&](Bytes known) { return equal_ignoring_case(known, name); });
}

static_assert(std::all_of(kRelayed.begin(), kRelayed.end(), [](auto tag) { return tag.size() <= kKnownTagMax; }));

}  // namespace

bool hidden(const CapabilityPolicy& policy, Bytes tag) { return contains(policy.hide, tag); }

Bytes tag_of(Bytes capability) { return capability.substr(0, capability.find(' ')); }

bool may_add_after_login(Bytes capability) {
  Bytes tag = tag_of(capability);
  return !tag.empty() && !has_ctl(capability) && !contains(kOnlyBeforeLogin, tag) && !contains(kPromised, tag);
}

std::string_view relayable(const CapabilityPolicy& policy, Bytes tag) {
  auto known =
      std::find_if(kRelayed.begin(), kRelayed.end(), [&](auto name) { return equal_ignoring_case(name, tag); });
  if (known == kRelayed.end() || hidden(policy, tag)) return {};
  for (const std::string& added : policy.add) {
    if (equal_ignoring_case(tag_of(added), tag)) return {};  // the operator's arguments replace the backend's
  }
  return *known;
}

}  // namespace postigo::pop3
