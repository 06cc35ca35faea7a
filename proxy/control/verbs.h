// What the verbs of the admin API do.
//
// Control thread; an answer may come later, from there too.
#pragma once

#include <string>

#include "proxy/ops/api.h"

namespace postigo {

class ControlThread;

// `parameters` are checked already. What changes something is one line in the log when it is over.
void run_verb(ControlThread& control, const Verb& verb, const Json& parameters, const std::string& who, VerbDone done);

}  // namespace postigo
