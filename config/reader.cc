// The reading visitor. Every key is looked up in the table that is open; what was never asked for is unknown. Goes on
// after every problem, so that one run shows them all.
#include "config/reader.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include <fmt/format.h>

#include "config/docs.h"
#include "config/schema.h"
#include "config/secrets.h"
#include "config/suggest.h"
#include "config/units.h"
#include "parser/base/ascii.h"

namespace postigo::config {

namespace {

struct Frame {
  const Node* node;                // a table, or what stands for one
  const char* shorthand;           // the key that a node which is no table stands for
  std::string path;                // with indexes
  std::vector<std::string> known;  // all keys that were asked for
};

struct List {
  const Node* node;  // null: not written
  std::string path;
};

class Reader final : public Visitor {
 public:
  Reader(const Node& root, const Source& source, Report& report) : source_(source), report_(report) {
    frames_.push_back({&root, nullptr, "", {}});
  }
  void finish() { end_table(); }

  void text(Key key, std::string& value) override;
  void path(Key key, std::string& value) override;
  void hash(Key key, std::string& value) override;
  void secret(Key key, KeptSecret& value) override;
  void flag(Key key, bool& value) override;
  void weight(Key key, double& value, bool zero_allowed) override;
  void time(Key key, int64_t& unix_s) override;
  void duration(Key key, uint64_t& value_ms, bool zero_allowed) override;
  void size(Key key, uint64_t& octets, bool auto_zero) override;
  void texts(Key key, std::vector<std::string>& values) override;
  void words(Key key, std::vector<std::string>& values, std::vector<std::string> known) override;
  void endpoint(Key key, Endpoint& value) override;
  void endpoints(Key key, std::vector<Endpoint>& values, uint16_t default_port) override;
  void word(Key key, std::string& value, std::vector<std::string> known) override;

 protected:
  void count_wide(Key key, uint64_t& value, Range range) override;
  void choice_number(Key key, int& value, const std::vector<Choice>& choices) override;
  bool begin_table(Key key, const char* shorthand) override;
  bool begin_optional(Key key, bool present) override;
  void end_table() override;
  size_t begin_list(Key key, size_t size) override;
  bool begin_item(size_t index) override;
  void end_list() override { lists_.pop_back(); }

 private:
  // The value of a key of the open table, placed, or null if it was not written.
  const Node* find(const std::string& name);
  // The same, but null (and a problem) unless it is of the kind.
  const Node* expect(const std::string& name, Node::Kind kind, const char* what);
  void mismatch(const Node& node, const std::string& path, const std::string& expected);
  // A string without control characters.
  const std::string* clean(const Node& node, const std::string& path, const char* what);
  const std::string* clean_text(const std::string& name, const char* what);
  std::string resolve(const std::string& path) const;
  void unknown_key(const Frame& frame, const Member& member);
  void fault(const Node& node, const std::string& path, std::string message) {
    report_.error_at(node.at, path, std::move(message));
  }
  std::string path_of(const std::string& name) const { return below(frames_.back().path, name); }

  const Source& source_;
  Report& report_;
  std::vector<Frame> frames_;
  std::vector<List> lists_;
};

const Node* Reader::find(const std::string& name) {
  Frame& frame = frames_.back();
  frame.known.push_back(name);
  const Node* node = nullptr;
  if (frame.shorthand != nullptr) {
    if (name == frame.shorthand) node = frame.node;
  } else {
    node = frame.node->find(name);
  }
  if (node != nullptr) report_.place(path_of(name), node->at);
  return node;
}

void Reader::mismatch(const Node& node, const std::string& path, const std::string& expected) {
  fault(node, path, "expected " + expected + ", found " + kind_name(node.kind));
}

const Node* Reader::expect(const std::string& name, Node::Kind kind, const char* what) {
  const Node* node = find(name);
  if (node == nullptr || node->kind == kind) return node;
  mismatch(*node, path_of(name), what);
  return nullptr;
}

const std::string* Reader::clean(const Node& node, const std::string& path, const char* what) {
  if (node.kind != Node::Kind::string) {
    mismatch(node, path, what);
    return nullptr;
  }
  if (has_ctl(node.text)) {
    fault(node, path, "holds a control character");
    return nullptr;
  }
  return &node.text;
}

const std::string* Reader::clean_text(const std::string& name, const char* what) {
  const Node* node = find(name);
  return node == nullptr ? nullptr : clean(*node, path_of(name), what);
}

std::string Reader::resolve(const std::string& path) const {
  if (path.empty() || source_.directory.empty()) return path;
  return (std::filesystem::path(source_.directory) / path).lexically_normal().string();
}

void Reader::text(Key key, std::string& value) {
  if (const std::string* text = clean_text(key.name, "a string")) value = *text;
}

void Reader::path(Key key, std::string& value) {
  if (const std::string* text = clean_text(key.name, "a path")) value = resolve(*text);
}

void Reader::hash(Key key, std::string& value) { text(key, value); }

void Reader::secret(Key key, KeptSecret& value) {
  std::string name = key.name;
  const std::string* text = clean_text(name, "a string");
  const std::string* file = clean_text(name + "_file", "a path");
  const std::string* env = clean_text(name + "_env", "the name of an environment variable");
  if ((text != nullptr) + (file != nullptr) + (env != nullptr) > 1) {
    report_.error(path_of(name), fmt::format("write only one of {0}, {0}_file and {0}_env", name));
    return;
  }
  if (text != nullptr) {
    std::string wrong = secret_fault(*text);
    if (!wrong.empty()) report_.error(path_of(name), wrong);
    value = Secret(*text);
    if (source_.exposed) {
      report_.warning(path_of(name),
                      fmt::format("this file can be read by others than its owner: use {}_file, or chmod 600", name));
    }
  }
  if (file != nullptr || env != nullptr) {
    std::string where = path_of(name + (file != nullptr ? "_file" : "_env"));
    std::string path = file != nullptr ? resolve(*file) : "";
    bool taken = false;
    auto take = [&](const auto& read) {
      taken = read.has_value();
      if (read) value = *read;
      if (!read) report_.error(where, read.error().message);
    };
    if (file != nullptr) take(read_secret_file(path));
    if (env != nullptr) take(read_secret_env(*env));
    if (file != nullptr && taken && exposed_to_group(path)) {
      report_.warning(where, in_quotes(path) + " can be read by others than its owner: chmod 600");
    }
  }
}

void Reader::flag(Key key, bool& value) {
  if (const Node* node = expect(key.name, Node::Kind::boolean, "true or false")) value = node->boolean;
}

void Reader::weight(Key key, double& value, bool zero_allowed) {
  const Node* node = find(key.name);
  if (node == nullptr) return;
  bool number = node->kind == Node::Kind::integer || node->kind == Node::Kind::real;
  if (!number) return mismatch(*node, path_of(key.name), "a number");
  double given = node->kind == Node::Kind::integer ? static_cast<double>(node->integer) : node->real;
  bool good = std::isfinite(given) && ((given >= 1e-6 && given <= 1e6) || (zero_allowed && given == 0));
  if (!good) return fault(*node, path_of(key.name), "must be a number above 0, from 0.000001 to 1000000");
  value = given;
}

void Reader::time(Key key, int64_t& unix_s) {
  const Node* node = expect(key.name, Node::Kind::date, "a date and time such as 2026-05-01T22:00:00Z");
  if (node == nullptr) return;
  if (node->unix_s) {
    unix_s = *node->unix_s;
  } else {
    fault(*node, path_of(key.name), "needs a date, a time and an offset, as in 2026-05-01T22:00:00+02:00");
  }
}

void Reader::duration(Key key, uint64_t& value_ms, bool zero_allowed) {
  const Node* node = find(key.name);
  if (node == nullptr) return;
  if (node->kind != Node::Kind::string && node->kind != Node::Kind::integer) {
    return mismatch(*node, path_of(key.name), "a duration such as \"30s\"");
  }
  bool bare = node->kind == Node::Kind::integer;
  auto parsed = parse_duration(bare ? std::to_string(node->integer) : node->text);
  if (!parsed) return fault(*node, path_of(key.name), parsed.error().message);
  if (*parsed == 0 && !zero_allowed) return fault(*node, path_of(key.name), "must be longer than 0");
  value_ms = *parsed;
}

void Reader::size(Key key, uint64_t& octets, bool auto_zero) {
  const Node* node = find(key.name);
  if (node == nullptr) return;
  if (auto_zero && node->kind == Node::Kind::string && equal_ignoring_case(node->text, "auto")) {
    octets = 0;
    return;
  }
  if (node->kind != Node::Kind::string && node->kind != Node::Kind::integer) {
    return mismatch(*node, path_of(key.name), "a size such as \"256k\"");
  }
  bool bare = node->kind == Node::Kind::integer;
  auto parsed = parse_size(bare ? std::to_string(node->integer) : node->text);
  if (!parsed) return fault(*node, path_of(key.name), parsed.error().message);
  octets = *parsed;
}

void Reader::texts(Key key, std::vector<std::string>& values) {
  const Node* node = expect(key.name, Node::Kind::array, "an array of strings");
  if (node == nullptr) return report_.forget(path_of(key.name));  // nothing was said about its values
  values.clear();
  for (size_t i = 0; i < node->items.size(); ++i) {
    std::string where = at_index(path_of(key.name), i);
    report_.place(where, node->items[i].at);
    const std::string* text = clean(node->items[i], where, "a string");
    if (text != nullptr && text->empty()) fault(node->items[i], where, "must not be empty");
    values.push_back(text == nullptr ? "" : *text);
  }
}

void Reader::words(Key key, std::vector<std::string>& values, std::vector<std::string> known) {
  texts(key, values);
  std::string where = path_of(key.name);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = upper(values[i]);
    if (values[i].empty()) continue;
    auto end = values.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::find(values.begin(), end, values[i]) != end) {
      report_.error(at_index(where, i), in_quotes(values[i]) + " stands here twice");
    }
    if (!known.empty() && std::find(known.begin(), known.end(), values[i]) == known.end()) {
      report_.error(at_index(where, i),
                    in_quotes(values[i]) + " is not known, expected " + one_of(known) + did_you_mean(values[i], known));
    }
  }
}

void Reader::endpoint(Key key, Endpoint& value) {
  const Node* node = expect(key.name, Node::Kind::string, "an address and a port such as \"127.0.0.1:9090\"");
  if (node == nullptr) return;
  auto parsed = parse_endpoint(node->text);
  if (!parsed) return fault(*node, path_of(key.name), parsed.error().message);
  value = *parsed;
}

void Reader::endpoints(Key key, std::vector<Endpoint>& values, uint16_t default_port) {
  const Node* node = find(key.name);
  if (node == nullptr) return;
  bool array = node->kind == Node::Kind::array;
  size_t count = array ? node->items.size() : 1;
  for (size_t i = 0; i < count; ++i) {
    const Node& item = array ? node->items[i] : *node;
    std::string where = at_index(path_of(key.name), i);
    report_.place(where, item.at);
    // A number here is a port alone; its message says how to write it.
    bool text = item.kind == Node::Kind::string, port = item.kind == Node::Kind::integer;
    if (!text && !port) {
      mismatch(item, where, "an address and a port such as \"0.0.0.0:993\"");
      continue;
    }
    auto parsed = parse_endpoint(text ? item.text : std::to_string(item.integer), default_port);
    if (!parsed) fault(item, where, parsed.error().message);
    values.push_back(parsed ? *parsed : Endpoint{});
  }
}

void Reader::word(Key key, std::string& value, std::vector<std::string> known) {
  const std::string* text = clean_text(key.name, one_of(known).c_str());
  if (text == nullptr) return;
  value = lower(*text);
  if (std::find(known.begin(), known.end(), value) == known.end()) {
    report_.error(path_of(key.name),
                  "expected " + one_of(known) + ", found " + in_quotes(*text) + did_you_mean(*text, known));
  }
}

void Reader::choice_number(Key key, int& value, const std::vector<Choice>& choices) {
  std::vector<std::string> known;
  for (const Choice& choice : choices) known.push_back(choice.word);
  std::string chosen;
  word(key, chosen, known);
  for (const Choice& choice : choices) {
    if (chosen == choice.word) value = choice.value;
  }
}

void Reader::count_wide(Key key, uint64_t& value, Range range) {
  const Node* node = find(key.name);
  if (node == nullptr) return;
  std::string expected = fmt::format("a whole number from {} to {}", range.min, range.max);
  if (range.auto_zero) expected += " or \"auto\"";
  if (range.auto_zero && node->kind == Node::Kind::string) {
    if (!equal_ignoring_case(node->text, "auto")) {
      return fault(*node, path_of(key.name), "expected " + expected + ", found " + in_quotes(node->text));
    }
    value = 0;
    return;
  }
  if (node->kind != Node::Kind::integer) return mismatch(*node, path_of(key.name), expected);
  bool fits = node->integer >= 0 && static_cast<uint64_t>(node->integer) >= range.min &&
              static_cast<uint64_t>(node->integer) <= range.max;
  if (!fits) return fault(*node, path_of(key.name), fmt::format("expected {}, found {}", expected, node->integer));
  value = static_cast<uint64_t>(node->integer);
}

bool Reader::begin_table(Key key, const char* shorthand) {
  const Node* node = find(key.name);
  if (node == nullptr) return false;
  if (node->kind == Node::Kind::table) {
    frames_.push_back({node, nullptr, path_of(key.name), {}});
    return true;
  }
  if (shorthand != nullptr && node->kind == Node::Kind::string) {
    frames_.push_back({node, shorthand, path_of(key.name), {}});
    return true;
  }
  std::string path = path_of(key.name);
  mismatch(*node, path, fmt::format("a table, as in [{}]", without_indexes(path)));
  report_.forget(path);
  return false;
}

bool Reader::begin_optional(Key key, bool) { return begin_table(key, nullptr); }

void Reader::end_table() {
  const Frame& frame = frames_.back();
  if (frame.shorthand == nullptr) {
    for (const Member& member : frame.node->members) {
      bool known = std::find(frame.known.begin(), frame.known.end(), member.key) != frame.known.end();
      if (!known) unknown_key(frame, member);
    }
  }
  frames_.pop_back();
}

void Reader::unknown_key(const Frame& frame, const Member& member) {
  std::string hint = did_you_mean(member.key, frame.known);
  for (const KeyDoc& key : keys()) {
    bool same_name = key.path.ends_with('.' + member.key);
    if (same_name && hint.empty()) hint = fmt::format(" here (there is {})", in_quotes(key.path));
  }
  report_.error_at(member.key_at, below(frame.path, printable(member.key)), "unknown key" + hint);
}

size_t Reader::begin_list(Key key, size_t) {
  const Node* node = find(key.name);
  std::string path = path_of(key.name);
  bool single = node != nullptr && node->kind != Node::Kind::array;
  if (single) {
    mismatch(*node, path, fmt::format("an array of tables: every one starts with [[{}]]", without_indexes(path)));
  }
  lists_.push_back({single ? nullptr : node, path});
  return lists_.back().node == nullptr ? 0 : node->items.size();
}

bool Reader::begin_item(size_t index) {
  const List& list = lists_.back();
  const Node& item = list.node->items[index];
  std::string path = at_index(list.path, index);
  report_.place(path, item.at);
  if (item.kind != Node::Kind::table) {
    mismatch(item, path, "a table");
    return false;
  }
  frames_.push_back({&item, nullptr, path, {}});
  return true;
}

}  // namespace

void read_tree(const Node& root, const Source& source, const Describe& describe, Report& report) {
  Reader reader(root, source, report);
  describe(reader);
  reader.finish();
}

}  // namespace postigo::config
