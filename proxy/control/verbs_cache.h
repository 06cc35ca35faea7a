// The verb about what directories have answered.
#pragma once

#include <string>

#include "proxy/ops/api.h"

namespace postigo {

class ControlThread;

void cache(ControlThread& control, const Json& parameters, const std::string& who, VerbDone done);

}  // namespace postigo
