// Placement: where a user is to go now: what operators have ordered for him alone, else what directory, rules and hash
// say. Logins, `route` and look-ups for other programs all ask here, so that they agree.
//
// Pure but for the time of the day. Any thread.
#pragma once

#include "backends/ledger/moves.h"
#include "backends/router.h"
#include "proxy/snapshot.h"

namespace postigo {

// `identity.user`: as normalised. As Router::route(); with `explain` the reason is told.
Result<Route> place(const Snapshot& snapshot, const Moves& moves, const Identity& identity, std::string_view protocol,
                    bool explain = false);

}  // namespace postigo
