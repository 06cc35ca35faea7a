// Not here: in which order they are shown (Snapshot sorts a listener's list once), and the words around them (fronts).
#include "parser/sasl/offer.h"

#include <algorithm>
#include <array>

#include "parser/base/ascii.h"
#include "parser/sasl/mechanisms.h"

namespace postigo::sasl {
namespace {

constexpr Bytes kApop = "APOP";
constexpr std::array<std::string_view, 3> kBindings = {"tls-exporter", "tls-server-end-point", "tls-unique"};

bool can_bind(const Facts& facts) {
  return std::any_of(kBindings.begin(), kBindings.end(),
                     [&](std::string_view type) { return !facts.channel_binding(type).empty(); });
}

Offered judge(const Mechanism& row, const FrontPolicy& policy, bool tls, const Facts& facts) {
  if (!tls) {
    if (row.binds || row.certificate) return Offered::behind_tls;
    return row.shows_secret && !policy.plaintext_login_allowed ? Offered::behind_tls : Offered::yes;
  }
  if (row.binds) return can_bind(facts) ? Offered::yes : Offered::no;
  if (row.certificate) return facts.certificate_name().empty() ? Offered::no : Offered::yes;
  return Offered::yes;
}

}  // namespace

Offered offered(const FrontPolicy& policy, bool tls, const Facts& facts, Bytes mechanism) {
  const Mechanism* row = find_mechanism(mechanism);
  bool listed = row != nullptr &&
                std::find(policy.mechanisms.begin(), policy.mechanisms.end(), row->name) != policy.mechanisms.end();
  return listed ? judge(*row, policy, tls, facts) : Offered::no;
}

std::vector<std::string_view> offers(const FrontPolicy& policy, bool tls, const Facts& facts) {
  std::vector<std::string_view> names;
  for (const std::string& name : policy.mechanisms) {
    if (name != kApop && offered(policy, tls, facts, name) == Offered::yes) names.emplace_back(name);
  }
  return names;
}

bool offers_binding(const FrontPolicy& policy, bool tls, const Facts& facts) {
  return std::any_of(policy.mechanisms.begin(), policy.mechanisms.end(), [&](const std::string& name) {
    const Mechanism* row = find_mechanism(name);
    return row != nullptr && row->binds && judge(*row, policy, tls, facts) == Offered::yes;
  });
}

}  // namespace postigo::sasl
