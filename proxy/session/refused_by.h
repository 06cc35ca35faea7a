// A refusal of the backend's, or of a directory's, as a reason of the log's closed list.
#pragma once

#include "backends/directory.h"
#include "parser/refusal.h"
#include "proxy/base/refused.h"
#include "proxy/base/stats.h"

namespace postigo {

Refused refused_by(const Refusal& refusal);
Refused refused_by(Verdict verdict, Barred why);  // REQUIRES: neither ok nor try_later. `why`: if disabled
Refused refused_by(BackendError error);           // of the last candidate

}  // namespace postigo
