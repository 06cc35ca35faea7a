// How a client came, for directories that tell others about it.
#pragma once

#include <memory>

#include "backends/directory.h"

namespace postigo {

class Session;

// Null if no directory of the session's snapshot is curious: then it costs nothing.
std::shared_ptr<const Circumstances> circumstances_of(Session& session);

}  // namespace postigo
