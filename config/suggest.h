// "did you mean": the nearest of the words that would have been right.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace postigo::config {

// Edits (insert, delete, replace, swap of neighbours) that turn one word into the other, case ignored.
size_t edit_distance(std::string_view a, std::string_view b);

// The nearest word, or empty if none is near enough to be a slip of the fingers.
std::string nearest(std::string_view word, const std::vector<std::string>& words);

// " (did you mean "tls"?)" or nothing.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& words);

// "a", "b" or "c"
std::string one_of(const std::vector<std::string>& words);

// For messages: in quotes, without control characters, not longer than a line bears.
std::string in_quotes(std::string_view text);

}  // namespace postigo::config
