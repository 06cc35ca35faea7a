// Verbs about those who guess passwords.
#pragma once

#include <string>

#include "proxy/ops/api.h"

namespace postigo {

class ControlThread;

void penalties(ControlThread& control, const Json& parameters, const std::string& who, VerbDone done);
void forgive(ControlThread& control, const Json& parameters, const std::string& who, VerbDone done);

}  // namespace postigo
