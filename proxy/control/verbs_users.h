// Verbs about single users: where they are, and where they are sent.
#pragma once

#include <string>

#include "proxy/ops/api.h"

namespace postigo {

class ControlThread;

void move(ControlThread& control, const Json& parameters, const std::string& by, VerbDone done);
void hold(ControlThread& control, const Json& parameters, const std::string& by, VerbDone done);
void release(ControlThread& control, const Json& parameters, const std::string& by, VerbDone done);
void users(ControlThread& control, const Json& parameters, const std::string& by, VerbDone done);
void flush(ControlThread& control, const Json& parameters, const std::string& by, VerbDone done);

}  // namespace postigo
