// Answers of the admin API for people: a table for rows, a line for everything else.
#pragma once

#include <iosfwd>
#include <nlohmann/json_fwd.hpp>

namespace postigo::commands {

void print_answer(const nlohmann::ordered_json& answer, std::ostream& out);  // all of it but "error"

}  // namespace postigo::commands
