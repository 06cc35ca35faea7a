// A directory behind a CacheStore. It asks the directory in its worker's name, and only for what the store does not
// know; who waits for somebody else's answer looks for it every few milliseconds, on his own worker's thread.
//
// Want::secret passes through: stored secrets are not kept. So does a question with a witness: whoever looks into a
// login wants to see the directory.
#pragma once

#include "backends/directory/source.h"
#include "config/directory.h"

namespace postigo {

SharedSource cached(SharedSource source, const config::Directory& settings);

}  // namespace postigo
