// The command line: which command, with which options. Everything that it understands it hands to proxy/commands/.
#pragma once

#include "proxy/commands/commands.h"

namespace postigo {

inline constexpr const char* kDefaultConfiguration = "/etc/postigo/postigo.toml";

// Parses, runs the command, returns the exit code of the process (commands::Exit). --help is told on io.out.
int run_command_line(int argc, const char* const* argv, commands::Streams io);

}  // namespace postigo
