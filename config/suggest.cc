// Optimal string alignment distance and the sentences made from it. Used for keys, enumeration values and names alike.
#include "config/suggest.h"

#include <algorithm>

#include "parser/base/ascii.h"

namespace postigo::config {

namespace {

constexpr size_t kWordMax = 64;  // longer words are no slips, and the table stays small

constexpr size_t kGuessesMax = 3;

std::vector<std::string_view> parts_of(std::string_view word) {
  std::vector<std::string_view> parts;
  for (size_t begin = 0; begin <= word.size();) {
    size_t end = std::min(word.find_first_of("_-", begin), word.size());
    if (end > begin) parts.push_back(word.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

// "session" and "sessions", "cert" and "certificate".
bool alike(std::string_view a, std::string_view b) {
  std::string_view shorter = a.size() < b.size() ? a : b, longer = a.size() < b.size() ? b : a;
  if (edit_distance(a, b) <= shorter.size() / 6) return true;
  return shorter.size() >= 4 && equal_ignoring_case(longer.substr(0, shorter.size()), shorter);
}

// How many parts of the two words are alike, of 12 for all: "max_sessions" for "sessions_max" is 12.
size_t likeness(std::string_view a, std::string_view b) {
  std::vector<std::string_view> left = parts_of(a), right = parts_of(b);
  size_t all = left.size() + right.size(), common = 0;
  for (std::string_view part : left) {
    auto found = std::find_if(right.begin(), right.end(), [&](std::string_view other) { return alike(part, other); });
    if (found == right.end()) continue;
    right.erase(found);
    ++common;
  }
  if (parts_of(a).size() == 1) return 6 * common;  // how much else stands beside it says nothing
  return all == 0 ? 0 : 24 * common / all;
}

constexpr size_t kAllParts = 12, kEnoughParts = 6;

// The words for which `score` is highest, in their order.
template <typename Score>
std::vector<std::string> best_of(const std::vector<std::string>& words, size_t least, Score score) {
  std::vector<std::string> best;
  for (const std::string& candidate : words) {
    size_t value = candidate.size() > kWordMax ? 0 : score(candidate);
    if (value < least) continue;
    if (value > least) best.clear();
    least = value;
    best.push_back(candidate);
  }
  return best;
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

std::vector<std::string> nearest(std::string_view word, const std::vector<std::string>& words) {
  if (word.empty() || word.size() > kWordMax) return {};
  auto by_slips = [&](size_t slips_max) {
    return best_of(words, 1, [&](const std::string& candidate) {
      size_t slips = edit_distance(word, candidate);
      return slips <= slips_max ? 1 + slips_max - slips : 0;
    });
  };
  auto by_parts = [&](size_t least) {
    return best_of(words, least, [&](const std::string& candidate) { return likeness(word, candidate); });
  };
  std::vector<std::string> best = by_slips(std::max<size_t>(1, word.size() / 6));
  if (best.empty()) best = by_parts(kAllParts);
  if (best.empty() && word.find('_') != std::string_view::npos) best = by_parts(kEnoughParts);
  if (best.empty()) best = by_slips(std::max<size_t>(1, word.size() / 3));
  if (best.empty()) best = by_parts(kEnoughParts);
  bool all = best.size() > 1 && best.size() == words.size();
  return all || best.size() > kGuessesMax ? std::vector<std::string>() : best;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& words) {
  std::vector<std::string> best = nearest(word, words);
  return best.empty() ? "" : " (did you mean " + one_of(best) + "?)";
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
