// A refusal of the backend's as a reason of the log's closed list.
#pragma once

#include "parser/refusal.h"
#include "proxy/base/refused.h"
#include "proxy/base/stats.h"

namespace postigo {

Refused refused_by(const Refusal& refusal);
Refused refused_by(BackendError error);  // of the last candidate

}  // namespace postigo
