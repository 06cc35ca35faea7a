// What a directory said, in words for an operator: all of it, and no secret.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "proxy/commands/asking.h"

namespace postigo::commands {

// "the password is right". `mechanism`: of the question.
std::string answer_in_words(const Asking::Step& step, std::string_view mechanism);

// What it keeps of him, or told along: by the names of fields (backends/directory/fields.h), without what is usual. A
// domain's begin with "domain.". Of a password its scheme.
std::vector<std::pair<std::string, std::string>> facts_of(const Asking::Step& step);

}  // namespace postigo::commands
