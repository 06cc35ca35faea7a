// Not here: whether who is who he says (a directory), whether whom exists (the next question to it).
#include "backends/impersonation.h"

#include <algorithm>

#include "backends/user_name.h"

namespace postigo {

bool matches_pattern(std::string_view pattern, std::string_view name) {
  if (pattern == "*") return true;
  if (!pattern.starts_with("*@")) return pattern == name;
  return has_domain(name) && domain_of(name) == pattern.substr(2);
}

bool may_act_as(std::span<const config::Impersonation> rules, std::string_view who, std::string_view whom) {
  return std::any_of(rules.begin(), rules.end(), [&](const config::Impersonation& rule) {
    return matches_pattern(rule.who, who) && matches_pattern(rule.whom, whom);
  });
}

}  // namespace postigo
