// The verb by which operators take a backend out of service and put it back into it.
#pragma once

#include <string>

#include "proxy/ops/api.h"

namespace postigo {

class ControlThread;

void set_backend(ControlThread& control, const Json& parameters, const std::string& by, VerbDone done);

}  // namespace postigo
