// Optimal string alignment distance and the sentences made from it. Used for keys, enumeration values and names alike.
#include "config/suggest.h"

#include <algorithm>

#include "parser/base/ascii.h"

namespace postigo::config {

namespace {

constexpr size_t kWordMax = 64;  // longer words are no slips, and the table stays small

// "idle_timeout" for "imap_idle_timeout": a whole part of the word was forgotten or added.
bool is_part(std::string_view part, std::string_view whole) {
  return part.size() >= 4 && whole.size() > part.size() && whole.find(part) != std::string_view::npos;
}

}  // namespace

size_t edit_distance(std::string_view a, std::string_view b) {
  size_t columns = b.size() + 1;
  std::vector<size_t> before(columns), last(columns), row(columns);
  for (size_t j = 0; j < columns; ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j < columns; ++j) {
      bool same = to_lower(a[i - 1]) == to_lower(b[j - 1]);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      bool swapped =
          i > 1 && j > 1 && to_lower(a[i - 1]) == to_lower(b[j - 2]) && to_lower(a[i - 2]) == to_lower(b[j - 1]);
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

std::string nearest(std::string_view word, const std::vector<std::string>& words) {
  if (word.empty() || word.size() > kWordMax) return {};
  std::string best;
  size_t best_distance = std::max<size_t>(1, word.size() / 3) + 1;
  for (const std::string& candidate : words) {
    if (candidate.size() > kWordMax) continue;
    size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  if (!best.empty()) return best;
  for (const std::string& candidate : words) {
    if (is_part(word, candidate) || is_part(candidate, word)) return candidate;
  }
  return {};
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& words) {
  std::string best = nearest(word, words);
  return best.empty() ? "" : " (did you mean " + in_quotes(best) + "?)";
}

std::string one_of(const std::vector<std::string>& words) {
  std::string text;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
    text += in_quotes(words[i]);
  }
  return text;
}

std::string in_quotes(std::string_view text) { return '"' + printable(text, 80) + '"'; }

}  // namespace postigo::config
