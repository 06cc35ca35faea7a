// The verb that writes down what goes over the wire of some sessions, for a while.
#pragma once

#include <string>

#include "proxy/ops/api.h"

namespace postigo {

class ControlThread;

void trace(ControlThread& control, const Json& parameters, const std::string& by, VerbDone done);

}  // namespace postigo
