// Preference: a backend of a shard may be given only some of the users who would come to it first; the others prefer
// the next one. Who they are depends on the names alone, so that all sessions of a user, on every instance, agree.
//
// Pure.
#pragma once

#include "parser/base/bytes.h"

namespace postigo {

// Is this user among the `percent` in a hundred of this backend? Who is for 10 is for 20, too.
bool in_share(Bytes user, Bytes backend, unsigned percent);

}  // namespace postigo
