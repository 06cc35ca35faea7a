// The table of mechanisms. Not here: how they speak (one file each), and which are offered when (offer.cc).
#include "parser/sasl/mechanisms.h"

#include <algorithm>
#include <array>

#include "parser/base/ascii.h"

namespace postigo::sasl {
namespace {

constexpr std::array kMechanisms = {
    Mechanism{.name = "EXTERNAL", .asks = Asks::account, .certificate = true, .make = make_external},
    Mechanism{.name = "SCRAM-SHA-256-PLUS", .asks = Asks::secret, .binds = true, .make = make_scram_sha_256_plus},
    Mechanism{.name = "SCRAM-SHA-1-PLUS", .asks = Asks::secret, .binds = true, .make = make_scram_sha_1_plus},
    Mechanism{.name = "SCRAM-SHA-256", .asks = Asks::secret, .make = make_scram_sha_256},
    Mechanism{.name = "SCRAM-SHA-1", .asks = Asks::secret, .make = make_scram_sha_1},
    Mechanism{.name = "OAUTHBEARER", .asks = Asks::token, .shows_secret = true, .make = make_oauthbearer},
    Mechanism{.name = "XOAUTH2", .asks = Asks::token, .shows_secret = true, .make = make_xoauth2},
    Mechanism{.name = "CRAM-MD5", .asks = Asks::secret, .make = make_cram_md5},
    Mechanism{.name = "APOP", .asks = Asks::secret, .make = make_apop},
    Mechanism{.name = "PLAIN", .shows_secret = true, .make = make_plain},
    Mechanism{.name = "LOGIN", .shows_secret = true, .make = make_login},
    Mechanism{.name = "ANONYMOUS", .asks = Asks::account, .make = make_anonymous},
};

ptrdiff_t place_of(std::string_view name) {
  const Mechanism* row = find_mechanism(name);
  return row != nullptr ? row - kMechanisms.data() : static_cast<ptrdiff_t>(kMechanisms.size());
}

}  // namespace

std::span<const Mechanism> mechanisms() { return kMechanisms; }

const Mechanism* find_mechanism(std::string_view name) {
  for (const Mechanism& row : kMechanisms) {
    if (equal_ignoring_case(name, row.name)) return &row;
  }
  return nullptr;
}

std::vector<std::string> strongest_first(std::vector<std::string> names) {
  std::stable_sort(names.begin(), names.end(),
                   [](const auto& one, const auto& other) { return place_of(one) < place_of(other); });
  return names;
}

std::unique_ptr<Server> make_server(std::string_view mechanism, const Setting& setting) {
  const Mechanism* row = find_mechanism(mechanism);
  return row != nullptr ? row->make(setting) : nullptr;
}

}  // namespace postigo::sasl
