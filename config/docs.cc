// A visitor that writes down what it is shown, over a Config as it is before any file was read.
#include "config/docs.h"

#include <fmt/format.h>

#include "config/report.h"
#include "config/schema.h"
#include "config/suggest.h"
#include "config/units.h"

namespace postigo::config {

namespace {

class Documenter final : public Visitor {
 public:
  std::vector<KeyDoc> take() { return std::move(keys_); }

  void text(Key key, std::string& value) override { add(key, "string", value.empty() ? "" : in_quotes(value)); }
  void path(Key key, std::string&) override { add(key, "path", ""); }
  void hash(Key key, std::string&) override { add(key, "string", ""); }
  void secret(Key key, KeptSecret&) override {
    add(key, "string", "");
    std::string name = key.name;
    add_named(name + "_file", "path", "File that holds `" + name + "`; one newline at its end is ignored");
    add_named(name + "_env", "string", "Environment variable that holds `" + name + "`");
  }
  void flag(Key key, bool& value) override { add(key, "boolean", value ? "true" : "false"); }
  void weight(Key key, double& value, bool) override { add(key, "number", fmt::format("{:.1f}", value)); }
  void time(Key key, int64_t&) override { add(key, "date and time", ""); }
  void duration(Key key, uint64_t& ms, bool) override { add(key, "duration", in_quotes(format_duration(ms))); }
  void size(Key key, uint64_t& octets, bool auto_zero) override {
    bool automatic = octets == 0 && auto_zero;
    add(key, auto_zero ? "size or \"auto\"" : "size", in_quotes(automatic ? "auto" : format_size(octets)));
  }
  void texts(Key key, std::vector<std::string>&) override { add(key, "array of strings", ""); }
  void words(Key key, std::vector<std::string>&, std::vector<std::string> known) override {
    std::string all;
    for (const std::string& word : known) all += (all.empty() ? "" : ", ") + in_quotes(word);
    add(key, "array of strings", all.empty() ? "" : '[' + all + ']');
  }
  void endpoint(Key key, Endpoint&) override {
    bool none = std::string_view(key.doc).find("default: nowhere") != std::string_view::npos;
    add(key, "address", none ? "" : in_quotes("127.0.0.1:9090"));
  }
  void endpoints(Key key, std::vector<Endpoint>&, uint16_t) override { add(key, "address or array", ""); }
  void word(Key key, std::string&, std::vector<std::string> known) override { add(key, one_of(known), ""); }

 protected:
  void count_wide(Key key, uint64_t& value, Range range) override {
    std::string shown = std::to_string(value);
    if (value == 0 && range.min != 0) shown = range.auto_zero ? "\"auto\"" : "";
    add(key, range.auto_zero ? "integer or \"auto\"" : "integer", shown);
  }
  void choice_number(Key key, int& value, const std::vector<Choice>& choices) override {
    std::vector<std::string> words;
    std::string shown;
    for (const Choice& choice : choices) {
      words.push_back(choice.word);
      if (choice.value == value) shown = in_quotes(choice.word);
    }
    bool derived = std::string_view(key.doc).find("Default:") != std::string_view::npos;
    add(key, one_of(words), derived ? "" : shown);
  }
  bool begin_table(Key key, const char*) override { return begin(key, "table"); }
  bool begin_optional(Key key, bool) override { return begin(key, "table"); }
  void end_table() override { prefixes_.pop_back(); }
  size_t begin_list(Key key, size_t) override {
    begin(key, "array of tables");
    return 1;
  }
  bool begin_item(size_t) override {
    prefixes_.push_back(prefixes_.back());
    return true;
  }
  void end_list() override { prefixes_.pop_back(); }

 private:
  void add(Key key, std::string type, std::string value) {
    add_named(key.name, std::move(type), key.doc, std::move(value));
  }
  void add_named(const std::string& name, std::string type, std::string doc, std::string value = {}) {
    keys_.push_back({below(prefixes_.back(), name), std::move(type), std::move(value), std::move(doc)});
  }
  bool begin(Key key, std::string type) {
    add(key, std::move(type), "");
    prefixes_.push_back(below(prefixes_.back(), key.name));
    return true;
  }

  std::vector<std::string> prefixes_{""};
  std::vector<KeyDoc> keys_;
};

bool is_section(const KeyDoc& key) { return key.type == "table" || key.type == "array of tables"; }

std::string in_bars(std::string text) {
  for (size_t i = 0; (i = text.find('|', i)) != std::string::npos; i += 2) text.insert(i, 1, '\\');
  return text;
}

}  // namespace

const std::vector<KeyDoc>& keys() {
  static const std::vector<KeyDoc> all = [] {
    Config config;
    Documenter documenter;
    describe(documenter, config);
    return documenter.take();
  }();
  return all;
}

std::string markdown() {
  std::string text;
  std::string section;
  for (size_t i = 0; i < keys().size(); ++i) {
    const KeyDoc& key = keys()[i];
    if (is_section(key)) {
      if (i + 1 < keys().size() && is_section(keys()[i + 1])) continue;  // holds tables only
      bool list = key.type == "array of tables";
      text += fmt::format("\n### `{}{}{}`\n\n{}.\n\n", list ? "[[" : "[", key.path, list ? "]]" : "]", key.doc);
      text += "| key | value | default | |\n|---|---|---|---|\n";
      section = key.path;
      continue;
    }
    std::string name = key.path.substr(section.size() + 1);
    std::string shown = key.default_value.empty() ? "" : "`" + key.default_value + "`";
    text += fmt::format("| `{}` | {} | {} | {} |\n", name, in_bars(key.type), in_bars(shown), in_bars(key.doc));
  }
  return text;
}

}  // namespace postigo::config
