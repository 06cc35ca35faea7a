// What the verbs of the admin API do.
//
// Control thread; an answer may come later, from there too.
#pragma once

#include <optional>
#include <string>

#include "proxy/ops/api.h"

namespace postigo {

class ControlThread;

inline constexpr uint64_t kRowsShown = 1000;  // if nobody says how many

// `parameters` are checked already. What changes something is one line in the log when it is over. Where sessions are
// meant, those of predecessors are, too: who of them does not answer is in "missing".
void run_verb(ControlThread& control, const Verb& verb, const Json& parameters, const std::string& who, VerbDone done);

Json error(const std::string& text);  // what a verb answers that was not done

// The parameter "user" as logins have it. None: no login can have such a name, and `done` was told so.
std::optional<std::string> user_of(ControlThread& control, const Json& parameters, const VerbDone& done);

// Part of other verbs.
void kick_everywhere(ControlThread& control, const Json& parameters, VerbDone done);

// A successor asks for the sessions that are here: by a verb, or by what only processes ask each other.
void run_for_successor(ControlThread& control, const std::string& what, const Json& parameters, VerbDone done);

}  // namespace postigo
