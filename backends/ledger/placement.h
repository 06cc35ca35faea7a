// Placement: who may serve a user now: what operators have ordered for him alone, else what directory, rules and hash
// say.
//
// Pure. Any thread. For a fleet: each door asks its own copy of the orders (moves.h).
#pragma once

#include <string_view>

#include "backends/ledger/moves.h"
#include "backends/router.h"

namespace postigo {

// `identity.user`: as normalised. `now_s`: unix time. As Router::route(); with `explain` the reason is told. Unless an
// operator has ordered it (Route::ordered), the order of candidates is still the configuration's (balance/selection.h).
Result<Route> place(const Router& router, const Moves& moves, const Identity& identity, std::string_view protocol,
                    int64_t now_s, bool explain = false);

}  // namespace postigo
