// Who may act as whom (T24): a webmail as its users, a help desk as those of a domain.
//
// Pure; names are normalised. A fleet shares the configuration, and with it the rules.
#pragma once

#include <span>
#include <string_view>

#include "config/config.h"

namespace postigo {

// `pattern`: a name, "*@" and a domain, or "*".
bool matches_pattern(std::string_view pattern, std::string_view name);

// False if no rule says so. As himself everybody may; that is not asked here.
bool may_act_as(std::span<const config::Impersonation> rules, std::string_view who, std::string_view whom);

}  // namespace postigo
