// The client's side of the mechanisms that we never log in with ourselves, for a rehearsal; of all others it is
// parser/sasl's own.
#pragma once

#include <memory>
#include <string_view>

#include "parser/base/bytes.h"
#include "parser/sasl/client.h"

namespace postigo::commands {

// What a right client says with this name and secret. All outlive it. `timestamp`: of the greeting, for APOP.
// REQUIRES: `mechanism` is one of ours (sasl/mechanisms.h).
std::unique_ptr<sasl::Client> make_played_client(std::string_view mechanism, const BackLogin& login,
                                                 const sasl::Channel& channel, Bytes timestamp);

// Whether such a client can say whom it wants to act as.
bool carries_authzid(std::string_view mechanism);

}  // namespace postigo::commands
