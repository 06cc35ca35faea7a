// With which mechanism a login is said to a backend.
#pragma once

#include <functional>

#include "parser/back.h"
#include "parser/base/result.h"
#include "parser/sasl/client.h"

namespace postigo::sasl {

// The word for "the strongest that both know", beside the names of mechanisms, in BackPolicy::mechanism.
inline constexpr std::string_view kStrongest = "AUTO";

// Null: the password itself is said, in whichever way the backend takes it. An error: this backend does not offer what
// was asked for, and nothing weaker is said instead. `lists`: whether the backend lists this mechanism now.
Result<const ClientMechanism*> choose(const BackPolicy& policy, const BackLogin& login,
                                      const std::function<bool(std::string_view)>& lists);

// Whatever the backend lists, the password itself is said.
bool says_password(const BackPolicy& policy, const BackLogin& login);

// Whether the backend lists one that binds.
bool lists_binding(const std::function<bool(std::string_view)>& lists);

}  // namespace postigo::sasl
