// Parsing of import files. Not here: storing them (sqlite_store.cc).
#include "backends/directory/user_file.h"

#include <iterator>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "backends/directory/password.h"
#include "parser/base/ascii.h"
#include "parser/base/limits.h"

namespace postigo {
namespace {

using Fields = std::vector<std::string>;

constexpr std::string_view kColumns[] = {"name", "password", "pool", "shard", "backend_user", "disabled"};
constexpr size_t kPasswdFields = 5;

// Cuts records off the front of the text and counts lines. A CSV record may span several.
class Records {
 public:
  explicit Records(std::string_view text) : rest_(text) {}

  size_t line() const { return line_; }  // where the last record began

  std::optional<std::string_view> next_line() {
    if (rest_.empty()) return std::nullopt;
    line_ = next_++;
    size_t end = rest_.find('\n');
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }

  // Nothing more: nullopt. A quote that is not closed ends with the text and is an error.
  std::optional<Result<Fields>> next_csv() {
    auto line = next_line();
    if (!line) return std::nullopt;
    const size_t began = line_;
    Fields fields(1);
    bool quoted = false;
    for (;;) {
      quoted = split(*line, fields, quoted);
      if (!quoted) break;
      fields.back() += '\n';
      line = next_line();
      if (!line) break;
    }
    line_ = began;
    if (quoted) return Result<Fields>(fail("a quote is not closed"));
    return Result<Fields>(std::move(fields));
  }

 private:
  // Returns whether a quoted field goes on in the next line.
  static bool split(std::string_view line, Fields& fields, bool quoted) {
    for (size_t i = 0; i < line.size(); ++i) {
      const char c = line[i];
      if (quoted && c == '"' && i + 1 < line.size() && line[i + 1] == '"') {
        fields.back() += line[++i];
      } else if (c == '"' && (quoted || fields.back().empty())) {
        quoted = !quoted;
      } else if (c == ',' && !quoted) {
        fields.emplace_back();
      } else {
        fields.back() += c;
      }
    }
    return quoted;
  }

  std::string_view rest_;
  size_t line_ = 0;
  size_t next_ = 1;
};

bool blank(std::string_view line) { return line.empty() || line.front() == '#'; }

class Reader {
 public:
  Reader(std::string_view text, const std::function<std::string(std::string_view)>& normalise)
      : records_(text), normalise_(normalise) {}

  UserFile read() {
    Records ahead = records_;
    std::optional<std::string_view> first;
    do {
      records_ = ahead;
      first = ahead.next_line();
    } while (first && blank(*first));
    if (first && starts_with_ignoring_case(*first, "name,")) {
      read_csv();
    } else {
      read_passwd();
    }
    return std::move(file_);
  }

 private:
  void read_passwd() {
    while (auto line = records_.next_line()) {
      if (blank(*line)) continue;
      Fields fields(1);
      for (char c : *line) {
        if (c == ':') {
          fields.emplace_back();
        } else {
          fields.back() += c;
        }
      }
      if (fields.size() > kPasswdFields) {
        complain(fmt::format("more than {} fields", kPasswdFields));
        continue;
      }
      Entry entry;
      for (size_t i = 0; i < fields.size(); ++i) (void)set(entry, kColumns[i], std::move(fields[i]));
      keep(std::move(entry));
    }
  }

  void read_csv() {
    std::vector<std::string> columns;
    while (auto record = records_.next_csv()) {
      if (!*record) return complain(record->error().message);
      Fields& fields = **record;
      if (fields.size() == 1 && fields[0].empty()) continue;
      if (columns.empty()) {
        columns = std::move(fields);
        for (std::string& column : columns) column = lower(column);
        if (!check_columns(columns)) return;
        continue;
      }
      read_row(columns, fields);
    }
  }

  bool check_columns(const std::vector<std::string>& columns) {
    for (const std::string& column : columns) {
      Entry ignored;
      if (!set(ignored, column, "0")) return complain("unknown column " + printable(column, 40)), false;
    }
    return true;
  }

  void read_row(const std::vector<std::string>& columns, Fields& fields) {
    if (fields.size() > columns.size()) return complain("more fields than the header has (quote what holds commas)");
    Entry entry;
    for (size_t i = 0; i < fields.size(); ++i) {
      if (!set(entry, columns[i], std::move(fields[i])))
        return complain("\"disabled\" is 0, 1, yes, no, true or false");
    }
    keep(std::move(entry));
  }

  static bool set(Entry& entry, std::string_view column, std::string value) {
    if (column == "disabled") {
      value = lower(value);
      entry.disabled = value == "1" || value == "yes" || value == "true";
      return entry.disabled || value.empty() || value == "0" || value == "no" || value == "false";
    }
    std::string* fields[] = {&entry.name, &entry.password, &entry.pool, &entry.shard, &entry.backend_user};
    for (size_t i = 0; i < std::size(fields); ++i) {
      if (column != kColumns[i]) continue;
      *fields[i] = std::move(value);
      return true;
    }
    return false;
  }

  void keep(Entry entry) {
    entry.name = entry.name.starts_with('@') ? lower(entry.name) : normalise_(entry.name);
    if (auto good = check_entry(entry); !good) return complain(good.error().message);
    file_.users.push_back({records_.line(), std::move(entry)});
  }

  void complain(std::string message) { file_.problems.push_back({records_.line(), std::move(message)}); }

  Records records_;
  const std::function<std::string(std::string_view)>& normalise_;
  UserFile file_;
};

}  // namespace

UserFile read_users(std::string_view text, const std::function<std::string(std::string_view)>& normalise) {
  return Reader(text, normalise).read();
}

Result<void> check_entry(const Entry& entry) {
  if (entry.name.empty() || entry.name == "@") return fail("the name is empty");
  if (entry.name.size() > limits::kUserMax) return fail(fmt::format("the name is over {} octets", limits::kUserMax));
  for (const std::string* field : {&entry.name, &entry.password, &entry.pool, &entry.shard, &entry.backend_user}) {
    if (has_ctl(*field)) return fail("there is a control character in a field");
  }
  if (entry.name.starts_with('@') && !(entry.password.empty() && entry.backend_user.empty())) {
    return fail("the entry of a domain has neither password nor backend_user");
  }
  if (entry.password.empty()) return {};
  return check_stored_password(entry.password);
}

}  // namespace postigo
