// Verbs that look at sessions, each on its worker's thread, or end them.
#pragma once

#include <string>

#include "proxy/ops/api.h"

namespace postigo {

class ControlThread;

void who(ControlThread& control, const Json& parameters, const std::string& by, VerbDone done);
void kick(ControlThread& control, const Json& parameters, const std::string& by, VerbDone done);

}  // namespace postigo
