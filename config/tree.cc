// The one place that includes toml++ (slow to compile) and the one place where its exceptions stop. Knows TOML, knows
// nothing of what the keys mean.
#include "config/tree.h"

#include <toml++/toml.h>

#include <algorithm>
#include <chrono>

#include "config/line.h"
#include "config/syntax.h"
#include "parser/base/ascii.h"

namespace postigo::config {

namespace {

// toml++ recurses by depth of dotted keys without a limit of its own.
constexpr size_t kDepthMax = 64;

Position position(const toml::source_region& region) { return {region.begin.line, region.begin.column}; }

// None without an offset: it would mean another moment on another machine.
std::optional<int64_t> unix_time(const toml::date_time& from) {
  if (!from.offset) return std::nullopt;
  std::chrono::year_month_day day{std::chrono::year{from.date.year}, std::chrono::month{from.date.month},
                                  std::chrono::day{from.date.day}};
  int64_t days = std::chrono::sys_days(day).time_since_epoch().count();
  return days * 86400 + from.time.hour * 3600 + from.time.minute * 60 + from.time.second - from.offset->minutes * 60;
}

void convert(const toml::node& from, Node& to);

void convert_table(const toml::table& from, Node& to) {
  to.members.reserve(from.size());
  for (const auto& [key, value] : from) {
    Member& member = to.members.emplace_back();
    member.key = std::string(key.str());
    member.key_at = position(key.source());
    convert(value, member.value.emplace_back());
    if (member.value[0].at.line == 0) member.value[0].at = member.key_at;
  }
}

void convert(const toml::node& from, Node& to) {
  to.at = position(from.source());
  switch (from.type()) {
    case toml::node_type::table:
      to.kind = Node::Kind::table;
      convert_table(*from.as_table(), to);
      break;
    case toml::node_type::array:
      to.kind = Node::Kind::array;
      to.items.reserve(from.as_array()->size());
      for (const toml::node& item : *from.as_array()) convert(item, to.items.emplace_back());
      break;
    case toml::node_type::string:
      to.kind = Node::Kind::string;
      to.text = from.as_string()->get();
      break;
    case toml::node_type::integer:
      to.kind = Node::Kind::integer;
      to.integer = from.as_integer()->get();
      break;
    case toml::node_type::floating_point:
      to.kind = Node::Kind::real;
      to.real = from.as_floating_point()->get();
      break;
    case toml::node_type::boolean:
      to.kind = Node::Kind::boolean;
      to.boolean = from.as_boolean()->get();
      break;
    default:
      to.kind = Node::Kind::date;
      if (from.is_date_time()) to.unix_s = unix_time(from.as_date_time()->get());
  }
}

std::string_view line_at(std::string_view text, unsigned number) {
  for (; number > 1 && !text.empty(); --number) text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  return text.substr(0, text.find('\n'));
}

bool check_text(const std::string& text, Report& report) {
  unsigned number = 0;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line(text.data() + begin, end - begin);
    ++number;
    if (!is_utf8(line)) {
      report.error_at({number, 1}, "", "this is not UTF-8 text: is it a configuration file?");
      return false;
    }
    if (line.find('\0') != std::string_view::npos) {
      report.error_at({number, 1}, "", "this line holds a NUL octet: is it a configuration file?");
      return false;
    }
    if (outside_strings(line).dots > kDepthMax) {  // no key that anybody means
      report.error_at({number, 1}, "", "keys are nested too deeply");
      return false;
    }
    begin = end + 1;
  }
  return true;
}

}  // namespace

const Node* Node::find(std::string_view key) const {
  for (const Member& member : members) {
    if (member.key == key) return &member.value[0];
  }
  return nullptr;
}

const char* kind_name(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::table:
      return "a table";
    case Node::Kind::array:
      return "an array";
    case Node::Kind::string:
      return "a string";
    case Node::Kind::integer:
      return "an integer";
    case Node::Kind::real:
      return "a floating-point number";
    case Node::Kind::boolean:
      return "a boolean";
    case Node::Kind::date:
      return "a date or time";
  }
  return "a value";
}

bool parse_tree(const std::string& text, Node& root, Report& report) {
  if (!check_text(text, report)) return false;
  try {
    toml::table table = toml::parse(std::string_view(text));
    convert(table, root);
    return true;
  } catch (const toml::parse_error& error) {
    Position at = position(error.source());
    report.error_at(at, "", explain_syntax(line_at(text, at.line), error.description()));
  } catch (const std::exception& error) {
    report.error_at({1, 1}, "", std::string("cannot be read: ") + error.what());
  }
  return false;
}

}  // namespace postigo::config
