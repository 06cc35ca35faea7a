// A refusal of the backend's as a reason of the log's closed list.
#pragma once

#include "parser/dialogue.h"
#include "proxy/base/refused.h"

namespace postigo {

Refused refused_by(const Refusal& refusal);

}  // namespace postigo
