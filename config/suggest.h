// "did you mean": the nearest of the words that would have been right.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace postigo::config {

// Edits (insert, delete, replace, swap of neighbours) that turn one word into the other, case ignored.
size_t edit_distance(std::string_view a, std::string_view b);

// The words that were most likely meant: by slips of the fingers ("adress"), by their parts in another order
// ("max_sessions" for sessions_max) or with one of them missing ("idle_timeout"). Several if they are equally likely;
// none if none is near, or if so many are that it is no help.
std::vector<std::string> nearest(std::string_view word, const std::vector<std::string>& words);

// " (did you mean "tls"?)", with "or" between several, or nothing.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& words);

// "a", "b" or "c"
std::string one_of(const std::vector<std::string>& words);

// For messages: in quotes, without control characters, not longer than a line bears.
std::string in_quotes(std::string_view text);

}  // namespace postigo::config
