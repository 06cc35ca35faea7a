// Names that stand in the configuration meet names of clients, so the same becomes of them: those of static users, of
// rules and classes, of who may act as whom, and of whom ANONYMOUS lets in as.
#pragma once

#include "config/config.h"
#include "config/load.h"

namespace postigo {

// [names] with what [routing] says of them.
config::NameForm name_form(const config::Live& live);

// In place. Problems: names that no login can have, and users of one directory that became one. Twice is once.
config::Problems normalise_names(config::Live& live);

}  // namespace postigo
