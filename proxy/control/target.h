// Where an operator sends users: a backend or a shard by its name, "POOL/SHARD" where several pools have that shard.
#pragma once

#include <optional>
#include <string>

#include "backends/ledger/moves.h"
#include "parser/base/result.h"
#include "proxy/snapshot.h"

namespace postigo {

// Without a time. Among several pools the one that the user lives in now comes first; it may be empty.
Result<Moves::Order> target_of(const config::Live& live, const std::string& name, std::string_view pool);

// Another backend for users of this one: of a shard that it is in, or of its pool if that is shared; one that takes
// logins. None: there is no such one.
std::optional<Moves::Order> beside(const Snapshot& snapshot, const std::string& backend);

}  // namespace postigo
