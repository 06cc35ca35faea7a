// Why we end a connection: the fronts and the relay filters have the words.
#pragma once

namespace postigo {

// Why we end a connection on our own account.
enum class Farewell { idle_too_long, shutting_down, too_many_connections, backend_lost, internal_error };

}  // namespace postigo
