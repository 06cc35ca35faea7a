// The comparing visitor: two lists of keys and values, one walk along both. Not here: what takes effect how
// (proxy/control).
#include "config/diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "config/report.h"
#include "config/schema.h"
#include "config/units.h"

namespace postigo::config {

namespace {

// What the process is made of before it reads a line from a client.
constexpr std::string_view kOnlyByRestart[] = {"server.workers",
                                               "server.user",
                                               "server.group",
                                               "admin.address",
                                               "server.password_threads",
                                               "server.queue_max",
                                               "admin.socket",
                                               "server.lookup_threads",
                                               "server.state_file",
                                               "admin.api_address",
                                               "admin.api_plaintext",
                                               "server.affinity_users_max",
                                               "lookup.socketmap",
                                               "lookup.domains",
                                               "lookup.delimiter",
                                               "lookup.strip_domain",
                                               "lookup.timeout",
                                               "lookup.connections_max",
                                               "penalty.entries"};

class Flattener final : public Visitor {
 public:
  std::vector<Value> take() { return std::move(values_); }

  void text(Key key, std::string& value) override { add(key, value); }
  void path(Key key, std::string& value) override { add(key, value); }
  void hash(Key key, std::string& value) override { add(key, value.empty() ? "" : "***", value); }
  void secret(Key key, KeptSecret& value) override { add(key, value.empty() ? "" : "***", value.reveal()); }
  void flag(Key key, bool& value) override { add(key, value ? "true" : "false"); }
  void weight(Key key, double& value, bool) override { add(key, fmt::format("{:#}", value)); }
  void time(Key key, int64_t& unix_s) override { add(key, unix_s == 0 ? "" : format_time(unix_s)); }
  void duration(Key key, uint64_t& ms, bool) override { add(key, format_duration(ms)); }
  void size(Key key, uint64_t& octets, bool auto_zero) override {
    add(key, octets == 0 && auto_zero ? "auto" : format_size(octets));
  }
  void texts(Key key, std::vector<std::string>& values) override {
    add(key, fmt::format("{}", fmt::join(values, ", ")));
  }
  void words(Key key, std::vector<std::string>& values, std::vector<std::string>) override { texts(key, values); }
  void endpoint(Key key, Endpoint& value) override { add(key, value.port == 0 ? "" : format_endpoint(value)); }
  void endpoints(Key key, std::vector<Endpoint>& values, uint16_t) override {
    std::vector<std::string> shown;
    for (const Endpoint& value : values) shown.push_back(format_endpoint(value));
    texts(key, shown);
  }
  void word(Key key, std::string& value, std::vector<std::string>) override { add(key, value); }

 protected:
  void count_wide(Key key, uint64_t& value, Range range) override {
    add(key, value == 0 && range.auto_zero ? "auto" : std::to_string(value));
  }
  void choice_number(Key key, int& value, const std::vector<Choice>& choices) override {
    for (const Choice& choice : choices) {
      if (choice.value == value) add(key, choice.word);
    }
  }
  bool begin_table(Key key, const char*) override {
    tables_.push_back({below(tables_.back().path, key.name), values_.size(), false});
    return true;
  }
  bool begin_optional(Key key, bool present) override { return present && begin_table(key, nullptr); }
  void end_table() override {
    if (tables_.back().item) name_item();
    tables_.pop_back();
  }
  size_t begin_list(Key key, size_t size) override {
    tables_.push_back({below(tables_.back().path, key.name), values_.size(), false});
    return size;
  }
  bool begin_item(size_t index) override {
    tables_.push_back({fmt::format("{}[{}]", tables_.back().path, index + 1), values_.size(), true});
    return true;
  }
  void end_list() override { tables_.pop_back(); }

 private:
  struct Table {
    std::string path;
    size_t first;  // of its values
    bool item;
  };

  void add(Key key, std::string shown, Bytes secret = {}) {
    values_.push_back({below(tables_.back().path, key.name), std::move(shown), secret});
  }

  // An item that has a name is called by it, so that one which is taken out does not make all that follow differ.
  void name_item() {
    const Table& table = tables_.back();
    std::string named;
    for (size_t i = table.first; i < values_.size(); ++i) {
      if (values_[i].key == table.path + ".name") named = values_[i].shown;
    }
    if (named.empty()) return;
    std::string path = table.path.substr(0, table.path.rfind('[')) + '[' + named + ']';
    for (size_t i = table.first; i < values_.size(); ++i) {
      values_[i].key = path + values_[i].key.substr(table.path.size());
    }
  }

  std::vector<Table> tables_{{"", 0, false}};
  std::vector<Value> values_;
};

bool by_restart(const std::string& key) {
  return std::find(std::begin(kOnlyByRestart), std::end(kOnlyByRestart), key) != std::end(kOnlyByRestart);
}

}  // namespace

std::vector<Value> flatten(Config& config) {
  Flattener flattener;
  describe(flattener, config);
  return flattener.take();
}

std::vector<Change> diff(const Config& before, const Config& after) {
  Config copies[] = {before, after};
  return diff(flatten(copies[0]), flatten(copies[1]));
}

std::vector<Change> diff(const std::vector<Value>& old, const std::vector<Value>& fresh) {
  std::map<std::string, const Value*> known;
  for (const Value& value : old) known.emplace(value.key, &value);
  std::vector<Change> changes;
  for (const Value& value : fresh) {
    auto same_key = known.extract(value.key);
    const Value* was = same_key ? same_key.mapped() : nullptr;
    if (was != nullptr && was->shown == value.shown && was->secret == value.secret) continue;
    if (was == nullptr && value.shown.empty()) continue;
    changes.push_back({value.key, was != nullptr ? was->shown : "", value.shown, by_restart(value.key)});
  }
  for (const Value& value : old) {
    if (!known.contains(value.key) || value.shown.empty()) continue;
    changes.push_back({value.key, value.shown, "", by_restart(value.key)});
  }
  return changes;
}

}  // namespace postigo::config
