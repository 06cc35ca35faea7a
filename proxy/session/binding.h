// Binding: where a login of a pool with affinity may go: to where other sessions of its user are.
//
// On the host's thread. Costs nothing where the pool has no affinity.
#pragma once

#include <cstddef>
#include <optional>

#include "backends/ledger/ledger.h"
#include "backends/router.h"
#include "proxy/base/stats.h"

namespace postigo {

class Session;
struct BackendState;
struct Snapshot;

// Gives the session its part in the user's bond, and puts the backend that he is bound to before all others.
void bind_user(Session& session, Route& route);

// Whether sessions of the user are at this backend: then it takes him also while operators drain it.
bool is_at(Session& session, const BackendState& backend);

// What bind_user() would do to the route now, for those who ask and do not come. True: sessions of the user are at the
// backend that comes first then. Any thread, as place_now().
bool foresee(const Snapshot& snapshot, const Ledger& ledger, Route& route, Bytes user, std::string_view protocol);

// The backend that would take him now: null if none does. Pointers live as long as the snapshot.
const config::Backend* place_now(const Snapshot& snapshot, const Ledger& ledger, Route route, Bytes user,
                                 std::string_view protocol);

// Whether sessions of the user keep him at a backend that failed so that it may be gone, and he may go elsewhere.
bool is_stranded(Session& session, BackendError error);

// The candidate to try after `failed`, which cannot serve now, or which the user has left meanwhile. None: there is
// none, or he has to stay where he is bound.
std::optional<size_t> next_candidate(Session& session, const Route& route, size_t failed);

}  // namespace postigo
