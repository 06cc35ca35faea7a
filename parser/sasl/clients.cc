// The table of mechanisms that we log in with. Not here: how they speak (one file each), which one is used (choose.cc).
#include <array>

#include "parser/sasl/client.h"

namespace postigo::sasl {
namespace {

constexpr std::array kClients = {
    ClientMechanism{
        .name = "SCRAM-SHA-256-PLUS", .binds = true, .proves = true, .make = make_scram_sha_256_plus_client},
    ClientMechanism{.name = "SCRAM-SHA-1-PLUS", .binds = true, .proves = true, .make = make_scram_sha_1_plus_client},
    ClientMechanism{.name = "SCRAM-SHA-256", .proves = true, .make = make_scram_sha_256_client},
    ClientMechanism{.name = "SCRAM-SHA-1", .proves = true, .make = make_scram_sha_1_client},
    ClientMechanism{.name = "EXTERNAL", .key = DoorKey::certificate, .make = make_external_client},
    ClientMechanism{.name = "OAUTHBEARER", .key = DoorKey::token, .authzid = false, .make = make_oauthbearer_client},
    ClientMechanism{.name = "XOAUTH2", .key = DoorKey::token, .authzid = false, .make = make_xoauth2_client},
    ClientMechanism{.name = "CRAM-MD5", .authzid = false, .make = make_cram_md5_client},
    ClientMechanism{.name = "PLAIN", .make = make_plain_client},
    ClientMechanism{.name = "LOGIN", .authzid = false, .make = make_login_client},
};

}  // namespace

std::span<const ClientMechanism> client_mechanisms() { return kClients; }

const ClientMechanism* find_client_mechanism(std::string_view name) {
  for (const ClientMechanism& row : kClients) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

}  // namespace postigo::sasl
