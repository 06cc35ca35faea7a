// One line for each rule that cannot be meant. Whether a rule may make an empty name is asked of its groups: one that
// may be empty, and nothing beside it. Whether its names rest is asked of one of them, with "x" for each group.
#include "backends/names/check_rewrites.h"

#include <re2/re2.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "backends/names/names.h"
#include "backends/names/octet_regex.h"
#include "parser/base/ascii.h"

namespace postigo {
namespace {

// The texts of the capturing groups in their order, and that of all as group 0. REQUIRES: the pattern compiles.
std::vector<std::string> group_texts(const std::string& pattern) {
  std::vector<std::string> groups = {pattern};
  std::vector<std::pair<size_t, size_t>> open;  // group (0: none), begin
  bool in_class = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\') {
      ++i;
    } else if (in_class) {
      in_class = c != ']';
    } else if (c == '[') {
      in_class = true;
      i += pattern.compare(i + 1, 2, "^]") == 0 ? 2 : pattern.compare(i + 1, 1, "]") == 0 ? 1 : 0;
    } else if (c == '(') {
      const bool captures = pattern.compare(i + 1, 1, "?") != 0 || pattern.compare(i + 1, 3, "?P<") == 0;
      open.emplace_back(captures ? groups.size() : 0, i);
      if (captures) groups.emplace_back();
    } else if (c == ')' && !open.empty()) {
      const auto [group, begin] = open.back();
      open.pop_back();
      if (group != 0) groups[group] = pattern.substr(begin, i + 1 - begin);
    }
  }
  return groups;
}

// With `of(group)` for each \1 and so on.
template <typename Of>
std::string filled(const std::string& replacement, Of of) {
  std::string result;
  for (size_t i = 0; i < replacement.size(); ++i) {
    const bool escape = replacement[i] == '\\' && i + 1 < replacement.size();
    if (!escape) {
      result += replacement[i];
    } else if (is_digit(replacement[++i])) {
      result += of(static_cast<size_t>(replacement[i] - '0'));
    } else {
      result += replacement[i];
    }
  }
  return result;
}

bool may_be_empty(const config::Rewrite& rule) {
  const std::vector<std::string> groups = group_texts(rule.match);
  const std::string least = filled(rule.replace, [&](size_t group) {
    return group < groups.size() && RE2::FullMatch("", RE2(groups[group], RE2::Quiet)) ? "" : "x";
  });
  return least.empty();
}

// What is wrong with the rule alone.
std::optional<config::Problem> fault_of(const config::Rewrite& rule, const std::string& key) {
  const OctetRegex regex(rule.match);
  if (!regex.error().empty()) return config::error_at(key + ".match", "bad regex: " + regex.error());
  const int wanted = RE2::MaxSubmatch(rule.replace);
  if (wanted > regex.groups()) {
    return config::error_at(key + ".replace", fmt::format("there is no \\{}: match has {} group{}", wanted,
                                                          regex.groups() == 0 ? "no" : std::to_string(regex.groups()),
                                                          regex.groups() == 1 ? "" : "s"));
  }
  std::string error;
  if (!RE2(rule.match, RE2::Quiet).CheckRewriteString(rule.replace, &error)) {
    return config::error_at(key + ".replace", "a \\ must stand before a digit or another \\");
  }
  if (may_be_empty(rule)) {
    return config::error_at(key + ".replace", "may make an empty name: let its group match something, (.+) not (.*)");
  }
  return std::nullopt;
}

}  // namespace

config::Problems check_rewrites(const config::NameForm& form) {
  config::Problems problems;
  for (size_t i = 0; i < form.rewrites.size(); ++i) {
    auto fault = fault_of(form.rewrites[i], fmt::format("names.rewrite[{}]", i));
    if (fault) problems.push_back(std::move(*fault));
  }
  if (!problems.empty()) return problems;
  config::NameForm rules = form;  // the rest says of itself what is wrong with it
  rules.allowed.clear();
  const Names names(rules);
  for (size_t i = 0; i < form.rewrites.size(); ++i) {
    const std::string made = filled(form.rewrites[i].replace, [](size_t) { return "x"; });
    if (auto rests = names.normalise(made); !rests) {
      problems.push_back(
          config::error_at(fmt::format("names.rewrite[{}]", i),
                           fmt::format("makes names as \"{}\", which no login can have: {}; let match leave alone what "
                                       "the rules have made",
                                       printable(made), rests.error().message)));
    }
  }
  return problems;
}

}  // namespace postigo
