// Knows no verb and no field by name but "error", which is not part of what was asked for.
#include "proxy/commands/ctl_print.h"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <vector>

#include "parser/base/ascii.h"
#include "proxy/commands/json.h"

namespace postigo::commands {
namespace {

std::string cell(const Json& value) {
  if (value.is_string()) return printable(value.get<std::string>(), 4096);
  if (value.is_number_float()) return fmt::format("{:.1f}", value.get<double>());
  return value.dump();
}

void print_table(const Json& rows, std::ostream& out) {
  if (rows.empty()) return;
  std::vector<std::string> names;
  std::vector<size_t> widths;
  for (const auto& [name, value] : rows[0].items()) {
    names.push_back(name);
    widths.push_back(name.size());
  }
  for (const Json& row : rows) {
    for (size_t i = 0; i < names.size(); ++i)
      widths[i] = std::max(widths[i], cell(row.value(names[i], Json(""))).size());
  }
  auto line = [&](auto text_of) {
    std::string text;
    for (size_t i = 0; i < names.size(); ++i) text += fmt::format("{:<{}}  ", text_of(i), widths[i]);
    out << text.substr(0, text.find_last_not_of(' ') + 1) << '\n';
  };
  line([&](size_t i) { return names[i]; });
  for (const Json& row : rows) line([&](size_t i) { return cell(row.value(names[i], Json(""))); });
}

void print_item(const std::string& name, const Json& value, std::ostream& out) {
  if (value.is_array() && !value.empty() && value[0].is_object()) return print_table(value, out);
  if (value.is_array()) {
    for (const Json& each : value) out << cell(each) << '\n';
  } else if (value.is_object()) {
    for (const auto& [inner, each] : value.items()) out << name << '.' << inner << ": " << cell(each) << '\n';
  } else if (value.is_string() && value.get<std::string>().find('\n') != std::string::npos) {
    out << value.get<std::string>();  // a text of several lines is all there is
  } else {
    out << name << ": " << cell(value) << '\n';
  }
}

}  // namespace

void print_answer(const Json& answer, std::ostream& out) {
  for (const auto& [name, value] : answer.items()) {
    if (name != "error") print_item(name, value, out);
  }
}

}  // namespace postigo::commands
