// Verbs for who looks on: what was counted so far, and what went wrong lately.
#pragma once

#include <string>

#include "proxy/ops/api.h"

namespace postigo {

class ControlThread;

void totals(ControlThread& control, const Json& parameters, const std::string& by, VerbDone done);
void problems(ControlThread& control, const Json& parameters, const std::string& by, VerbDone done);

}  // namespace postigo
