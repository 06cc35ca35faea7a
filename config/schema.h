// The keys of the file, written down once: reading (reader.h), printing (dump.h) and documenting (docs.h) are three
// visitors of the same description, so that none of them can know a key that another one does not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace postigo::config {

struct Key {
  const char* name;
  const char* doc;  // one sentence, for people
};

struct Range {
  uint64_t min = 0;
  uint64_t max = UINT64_MAX;
  bool auto_zero = false;  // 0 is written "auto"
};

// One word of the file and the number that stands for it.
struct Choice {
  const char* word;
  int value;
};

std::string_view word_of(Tls mode);  // as in the file

// A visitor is shown every key in the order of describe(), scalars of a table before its sub-tables, and reads or
// changes the value behind it. begin_*() that return false or 0 skip what is inside.
class Visitor {
 public:
  virtual ~Visitor() = default;

  virtual void text(Key key, std::string& value) = 0;
  virtual void path(Key key, std::string& value) = 0;  // relative ones are taken from the file's directory
  virtual void hash(Key key, std::string& value) = 0;  // text that is not shown
  // Three keys: NAME itself, NAME_file and NAME_env (secrets.h).
  virtual void secret(Key key, KeptSecret& value) = 0;
  virtual void flag(Key key, bool& value) = 0;
  virtual void weight(Key key, double& value, bool zero_allowed = false) = 0;  // > 0 and finite
  virtual void time(Key key, int64_t& unix_s) = 0;                             // with an offset; 0: not written
  virtual void duration(Key key, uint64_t& value_ms, bool zero_allowed = false) = 0;
  virtual void size(Key key, uint64_t& octets, bool auto_zero = false) = 0;  // 0 is written "auto"
  virtual void texts(Key key, std::vector<std::string>& values) = 0;
  virtual void words(Key key, std::vector<std::string>& values, std::vector<std::string> known) = 0;  // upper case
  virtual void endpoint(Key key, Endpoint& value) = 0;
  // With a default port one that is written without is complete.
  virtual void endpoints(Key key, std::vector<Endpoint>& values, uint16_t default_port = 0) = 0;

  template <typename Number>
  void count(Key key, Number& value, Range range) {
    uint64_t wide = value;
    count_wide(key, wide, range);
    value = static_cast<Number>(wide);
  }

  template <typename Value>
  void choice(Key key, Value& value, const std::vector<Choice>& choices) {
    int number = static_cast<int>(value);
    choice_number(key, number, choices);
    value = static_cast<Value>(number);
  }
  // The word itself is the value; empty when it was not written.
  virtual void word(Key key, std::string& value, std::vector<std::string> known) = 0;

  // `shorthand`: the key of the table that a plain string in its place stands for, or null.
  template <typename Table>
  void table(Key key, Table& value, void (*describe)(Visitor&, Table&), const char* shorthand = nullptr) {
    if (!begin_table(key, shorthand)) return;
    describe(*this, value);
    end_table();
  }

  // A table whose presence alone means something.
  template <typename Table>
  void optional(Key key, bool& present, Table& value, void (*describe)(Visitor&, Table&)) {
    if (!begin_optional(key, present)) return;
    present = true;
    describe(*this, value);
    end_table();
  }

  template <typename Item>
  void list(Key key, std::vector<Item>& items, void (*describe)(Visitor&, Item&), const Item& usual = {}) {
    items.resize(begin_list(key, items.size()), usual);
    for (size_t i = 0; i < items.size(); ++i) {
      if (!begin_item(i)) continue;
      describe(*this, items[i]);
      end_table();
    }
    end_list();
  }

 protected:
  virtual void count_wide(Key key, uint64_t& value, Range range) = 0;
  virtual void choice_number(Key key, int& value, const std::vector<Choice>& choices) = 0;
  virtual bool begin_table(Key key, const char* shorthand) = 0;
  virtual bool begin_optional(Key key, bool present) = 0;
  virtual void end_table() = 0;  // closes all of begin_table, begin_optional and begin_item
  virtual size_t begin_list(Key key, size_t size) = 0;
  virtual bool begin_item(size_t index) = 0;
  virtual void end_list() = 0;
};

void describe(Visitor& visitor, Config& config);

}  // namespace postigo::config
