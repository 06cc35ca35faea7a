// The verb that says what a configuration would change, and whose sessions it would touch.
#pragma once

#include <string>
#include <vector>

#include "config/diff.h"
#include "proxy/ops/api.h"

namespace postigo {

class ControlThread;

Json rows_of(const std::vector<config::Change>& changes);
void diff(ControlThread& control, const Json& parameters, const std::string& by, VerbDone done);

}  // namespace postigo
