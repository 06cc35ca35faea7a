// Collects problems with their positions and puts them in the order in which a person reads the file. Decides nothing
// about what a problem is.
#include "config/report.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include <fmt/format.h>

namespace postigo::config {

std::string to_string(const Problem& problem) {
  std::string text = problem.file;
  if (problem.line != 0) text += fmt::format(":{}:{}", problem.line, problem.column);
  text += problem.fatal ? ": " : ": warning: ";
  if (!problem.key.empty()) text += problem.key + ": ";
  return text + problem.message;
}

bool any_fatal(const Problems& problems) {
  return std::any_of(problems.begin(), problems.end(), [](const Problem& problem) { return problem.fatal; });
}

bool Loaded::ok() const { return !any_fatal(problems); }

Problem Loaded::placed(Problem problem) const {
  Position at = find_place(places, problem.key);
  problem.file = file;
  problem.line = at.line;
  problem.column = at.column;
  problem.key = without_indexes(problem.key);
  return problem;
}

std::string without_indexes(std::string_view path) {
  std::string key;
  bool inside = false;
  for (char c : path) {
    if (c == '[') inside = true;
    if (!inside) key += c;
    if (c == ']') inside = false;
  }
  return key;
}

std::string at_index(std::string_view path, size_t index) { return fmt::format("{}[{}]", path, index); }

std::string below(std::string_view path, std::string_view key) {
  return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

Position find_place(const std::unordered_map<std::string, Position>& places, std::string_view path) {
  while (!path.empty()) {
    auto place = places.find(std::string(path));
    if (place != places.end()) return place->second;
    size_t cut = path.find_last_of(".[");
    path = path.substr(0, cut == std::string_view::npos ? 0 : cut);
  }
  return {};
}

bool Report::complains(std::string_view path) const {
  const std::string key = without_indexes(path);
  return std::any_of(problems_.begin(), problems_.end(),
                     [&](const Problem& problem) { return problem.fatal && problem.key.starts_with(key); });
}

void Report::add(Position at, const std::string& path, std::string message, bool fatal) {
  problems_.push_back({file_, at.line, at.column, without_indexes(path), std::move(message), fatal});
}

std::vector<Problem> Report::take() {
  auto order = [](const Problem& a, const Problem& b) {
    return std::tie(a.line, a.column) < std::tie(b.line, b.column);
  };
  std::stable_sort(problems_.begin(), problems_.end(), order);
  if (problems_.size() > kProblemsMax) {
    auto cut = problems_.begin() + kProblemsMax;
    auto fatal = std::count_if(cut, problems_.end(), [](const Problem& problem) { return problem.fatal; });
    Problem last{file_, cut->line, cut->column, "", "", fatal > 0};
    last.message = fmt::format("and {} more problems", problems_.end() - cut);
    problems_.erase(cut, problems_.end());
    problems_.push_back(std::move(last));
  }
  return std::exchange(problems_, {});
}

}  // namespace postigo::config
