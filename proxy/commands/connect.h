// Connections that a configuration names, tried for an operator.
#pragma once

#include "config/load.h"
#include "proxy/commands/commands.h"
#include "proxy/control/preparation.h"

namespace postigo::commands {

// Before prepare(): backends are looked at to their greeting, and with a probe's account through the login.
void look_deeper(config::Config& config);

// Tells each in a line, and what failed once more with its place in the file. kFailed if something did.
int connect(const config::Loaded& loaded, const Prepared& prepared, bool json, Streams io);

}  // namespace postigo::commands
