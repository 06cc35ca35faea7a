// A page of metrics as a monitor reads it. Strict where Prometheus is: one head for each family, one metric for each
// set of labels.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace postigo {

struct ScrapedMetric {
  std::vector<std::pair<std::string, std::string>> labels;  // without "le"
  double value = 0;                                         // of a histogram its count
  double sum = 0;
  std::vector<std::pair<std::string, uint64_t>> buckets;  // le, and how many up to it

  bool has(const std::map<std::string, std::string>& wanted) const {
    return std::all_of(wanted.begin(), wanted.end(), [&](const auto& each) {
      return std::find(labels.begin(), labels.end(), std::pair<std::string, std::string>(each)) != labels.end();
    });
  }
};

struct ScrapedFamily {
  std::string type, help;
  std::vector<ScrapedMetric> metrics;

  ScrapedMetric& of(const std::vector<std::pair<std::string, std::string>>& labels) {
    if (metrics.empty() || metrics.back().labels != labels) {
      EXPECT_TRUE(std::none_of(metrics.begin(), metrics.end(), [&](auto& each) { return each.labels == labels; }));
      metrics.emplace_back().labels = labels;
    }
    return metrics.back();
  }
};

// {a="b",c="d"} from its first brace on; what follows it is left in `text`.
inline std::vector<std::pair<std::string, std::string>> read_labels(std::string& text) {
  std::vector<std::pair<std::string, std::string>> labels;
  size_t at = 1;
  while (text.at(at) != '}') {
    const size_t equals = text.find('=', at);
    auto& [name, value] = labels.emplace_back(text.substr(at, equals - at), "");
    for (at = equals + 2; text.at(at) != '"'; ++at) {
      if (text[at] != '\\') {
        value += text[at];
      } else {
        value += text.at(++at) == 'n' ? '\n' : text[at];
      }
    }
    at += text.at(at + 1) == ',' ? 2 : 1;
  }
  text.erase(0, at + 1);
  return labels;
}

inline void read_sample(std::string line, const std::string& name, ScrapedFamily& family) {
  ASSERT_TRUE(line.starts_with(name)) << line;
  line.erase(0, name.size());
  const size_t end = line.find_first_of("{ ");
  const std::string suffix = line.substr(0, end);
  line.erase(0, end);
  auto labels = line.front() == '{' ? read_labels(line) : std::vector<std::pair<std::string, std::string>>{};
  std::string bound;
  if (suffix == "_bucket") {
    ASSERT_EQ(labels.back().first, "le");
    bound = labels.back().second;
    labels.pop_back();
  }
  ScrapedMetric& metric = family.of(labels);
  const double number = std::stod(line);
  if (suffix == "_bucket") {
    metric.buckets.emplace_back(bound, static_cast<uint64_t>(number));
  } else {
    ASSERT_TRUE(suffix.empty() || suffix == "_sum" || suffix == "_count") << suffix;
    (suffix == "_sum" ? metric.sum : metric.value) = number;
  }
}

inline std::map<std::string, ScrapedFamily> read_page(const std::string& page) {
  std::map<std::string, ScrapedFamily> families;
  std::istringstream lines(page);
  std::string name;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# HELP ")) {
      const size_t end = line.find(' ', 7);
      name = line.substr(7, end - 7);
      EXPECT_TRUE(families.emplace(name, ScrapedFamily{}).second) << name << " twice";
      families[name].help = line.substr(end + 1);
    } else if (line.starts_with("# TYPE " + name + " ")) {
      families[name].type = line.substr(8 + name.size());
    } else {
      read_sample(line, name, families[name]);
    }
  }
  return families;
}

}  // namespace postigo
