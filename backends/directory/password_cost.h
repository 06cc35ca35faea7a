// PasswordCost: what a stored hash would cost to check, read from its parameters, and how much of that we accept.
// Whoever can bring an entry in (an import, another program) must not be able to stop all logins with it, or to take
// all memory: no check takes more than some second of one core or more than 256 MiB.
#pragma once

#include <cstdint>
#include <string_view>

#include "parser/base/result.h"

namespace postigo {

// `hash` without its {SCHEME}. An Error if it is damaged, as far as that can be told without hashing, or too dear. One
// line that shows parameters, never the hash. Quick.
Result<void> check_password_cost(std::string_view hash);

// The same for hashes whose only parameter is how often a hash function is applied.
Result<void> check_rounds(uint64_t rounds);

}  // namespace postigo
