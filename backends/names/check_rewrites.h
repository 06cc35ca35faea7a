// What is wrong with the rules of [names] that only RE2 can tell. Pure.
#pragma once

#include "config/load.h"
#include "config/names.h"

namespace postigo {

config::Problems check_rewrites(const config::NameForm& form);

}  // namespace postigo
