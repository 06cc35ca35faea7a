// What a process that holds passwords does about itself and its terminal.
#pragma once

#include "parser/base/result.h"
#include "parser/base/secret.h"
#include "proxy/commands/commands.h"

namespace postigo::commands {

// Asks twice on the terminal of the process, without echo. Fails if there is none, or if the two differ. A signal that
// ends the process meanwhile does so when the terminal is as it was.
Result<Secret> ask_password();
Result<Secret> ask_password_once(const char* prompt = "Password: ");

// The first line of `in`, without its end.
Result<Secret> read_password(std::istream& in);

}  // namespace postigo::commands
