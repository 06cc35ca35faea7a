// The printing visitor. Empty strings and lists are left out: empty means default everywhere in the schema.
#include "config/dump.h"

#include <fmt/format.h>

#include "config/report.h"
#include "config/schema.h"
#include "config/units.h"

namespace postigo::config {

namespace {

// A TOML basic string. The schema lets no control character but DEL's kin through; they are escaped all the same.
std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    auto octet = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (octet < 0x20 || octet == 0x7f) {
      out += fmt::format("\\u{:04X}", static_cast<unsigned>(octet));
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string toml_array(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ", ") + toml_string(text);
  return '[' + out + ']';
}

class Dumper final : public Visitor {
 public:
  std::string take() { return std::move(out_); }

  void text(Key key, std::string& value) override {
    if (!value.empty()) line(key, toml_string(value));
  }
  void path(Key key, std::string& value) override { text(key, value); }
  void hash(Key key, std::string& value) override {
    if (!value.empty()) line(key, "\"***\"");
  }
  void secret(Key key, KeptSecret& value) override {
    if (!value.empty()) line(key, "\"***\"");
  }
  void flag(Key key, bool& value) override { line(key, value ? "true" : "false"); }
  void weight(Key key, double& value, bool) override { line(key, fmt::format("{:#}", value)); }
  void time(Key key, int64_t& unix_s) override {
    if (unix_s != 0) line(key, format_time(unix_s));
  }
  void duration(Key key, uint64_t& ms, bool) override { line(key, toml_string(format_duration(ms))); }
  void size(Key key, uint64_t& octets, bool auto_zero) override {
    line(key, toml_string(octets == 0 && auto_zero ? "auto" : format_size(octets)));
  }
  void texts(Key key, std::vector<std::string>& values) override {
    if (!values.empty()) line(key, toml_array(values));
  }
  void words(Key key, std::vector<std::string>& values, std::vector<std::string>) override { texts(key, values); }
  void endpoint(Key key, Endpoint& value) override {
    if (value.port != 0) line(key, toml_string(format_endpoint(value)));
  }
  void endpoints(Key key, std::vector<Endpoint>& values, uint16_t) override {
    std::vector<std::string> shown;
    for (const Endpoint& value : values) shown.push_back(format_endpoint(value));
    texts(key, shown);
  }
  void word(Key key, std::string& value, std::vector<std::string>) override { text(key, value); }

 protected:
  void count_wide(Key key, uint64_t& value, Range range) override {
    if (value != 0 || range.min == 0) line(key, std::to_string(value));
    if (value == 0 && range.min != 0 && range.auto_zero) line(key, "\"auto\"");
  }
  void choice_number(Key key, int& value, const std::vector<Choice>& choices) override {
    for (const Choice& choice : choices) {
      if (choice.value == value) line(key, toml_string(choice.word));
    }
  }
  bool begin_table(Key key, const char*) override {
    prefixes_.push_back(below(prefixes_.back(), key.name));
    head_ = '[' + prefixes_.back() + ']';
    return true;
  }
  bool begin_optional(Key key, bool present) override { return present && begin_table(key, nullptr); }
  void end_table() override {
    head_.clear();
    prefixes_.pop_back();
  }
  size_t begin_list(Key key, size_t size) override {
    prefixes_.push_back(below(prefixes_.back(), key.name));
    return size;
  }
  bool begin_item(size_t) override {
    prefixes_.push_back(prefixes_.back());
    head_.clear();
    header("[[" + prefixes_.back() + "]]");
    return true;
  }
  void end_list() override { prefixes_.pop_back(); }

 private:
  void header(const std::string& text) { out_ += (out_.empty() ? "" : "\n") + text + '\n'; }
  // The header of a table waits for its first line, so that empty tables are not shown.
  void line(Key key, const std::string& value) {
    if (!head_.empty()) header(head_);
    head_.clear();
    out_ += fmt::format("{} = {}\n", key.name, value);
  }

  std::vector<std::string> prefixes_{""};
  std::string head_;
  std::string out_;
};

}  // namespace

std::string dump(const Config& config) {
  Config copy = config;  // visitors may change what they see
  Dumper dumper;
  describe(dumper, copy);
  return dumper.take();
}

}  // namespace postigo::config
