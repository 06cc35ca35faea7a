// Verbs that tell what runs, and how it is.
#pragma once

#include <string>

#include "proxy/ops/api.h"

namespace postigo {

class ControlThread;

void status(ControlThread& control, const Json& parameters, const std::string& by, VerbDone done);
void version(ControlThread& control, const Json& parameters, const std::string& by, VerbDone done);
void backends(ControlThread& control, const Json& parameters, const std::string& by, VerbDone done);
void listeners(ControlThread& control, const Json& parameters, const std::string& by, VerbDone done);
void certs(ControlThread& control, const Json& parameters, const std::string& by, VerbDone done);

}  // namespace postigo
