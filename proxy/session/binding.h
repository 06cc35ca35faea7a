// Binding: where a login of a pool with affinity may go: to where other sessions of its user are (ledger/candidates).
//
// Costs nothing where the pool has no affinity. What is returned lives as long as the snapshot.
#pragma once

#include <optional>

#include "backends/ledger/candidates.h"
#include "backends/router.h"
#include "proxy/base/stats.h"

namespace postigo {

class Session;
struct Snapshot;

// The way of this session's login through the candidates of its route, with its part in the user's bond. None: nobody
// knows yet where he is bound, ask again later. On the host's thread.
std::optional<Candidates> bind_user(Session& session, Route&& route);

// What bind_user() would do to the route now, for those who ask and do not come. True: sessions of the user are at the
// backend that comes first then. Any thread, as place_now().
bool foresee(const Snapshot& snapshot, const Bonds& bonds, Route& route, Bytes user, std::string_view protocol);

// The backend that would take him now: null if none does.
const config::Backend* place_now(const Snapshot& snapshot, const Bonds& bonds, Route route, Bytes user,
                                 std::string_view protocol);

// Whether a backend that failed so may be gone, with the sessions that keep a user there, and he may go elsewhere.
bool is_stranded(const Session& session, BackendError error);

}  // namespace postigo
