// From lines to entries. No complaint shows anything of a line but what is known to be no password. Not here: cutting
// into lines and records (user_records.cc), storing (sqlite_store.cc).
#include "backends/directory/user_file.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "backends/directory/fields.h"
#include "backends/directory/password.h"
#include "backends/directory/user_records.h"
#include "parser/base/ascii.h"
#include "parser/base/limits.h"

namespace postigo {
namespace {

using Fields = Records::Fields;

constexpr size_t kOwnFields = 5;
constexpr size_t kDovecotFields = 7;  // user:password:uid:gid:gecos:home:shell, then extra fields
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

constexpr const char* kNoSeparator =
    "no \":\" in the line. A CSV file begins with a header: name,password,pool,shard,backend_user,disabled";
constexpr const char* kStrangeName =
    "the name holds a blank, a brace or one of , ; | \" (a CSV file begins with a header: name,password)";

bool blank(std::string_view line) {
  return line.find_first_not_of(" \t") == std::string_view::npos || line.front() == '#';
}

std::string trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  return first == std::string_view::npos ? ""
                                         : std::string(text.substr(first, text.find_last_not_of(" \t") - first + 1));
}

Fields split(std::string_view text, char separator) {
  Fields fields;
  for (;;) {
    const size_t end = text.find(separator);
    fields.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return fields;
    text.remove_prefix(end + 1);
  }
}

bool is_csv_header(std::string_view line) {
  if (line.find(':') != std::string_view::npos) return false;
  return line.find(',') != std::string_view::npos || equal_ignoring_case(trimmed(line), "name");
}

// A uid in the third field, or more fields than ours have.
bool is_dovecot(const Fields& fields) {
  if (fields.size() > kOwnFields) return true;
  return fields.size() > 2 && !fields[2].empty() && fields[2].find_first_not_of("0123456789") == std::string::npos;
}

// Dovecot's extra fields: what says who he is at the backend and whether he may come in. What is the mailbox's business
// is left out; what would let somebody in who must not come in, or place him elsewhere, is an error.
Result<void> take_extra_field(Entry& entry, std::string_view field) {
  const size_t equals = field.find('=');
  const std::string_view key = field.substr(0, equals);
  const std::string_view value = equals == std::string_view::npos ? "" : field.substr(equals + 1);
  if (key.empty() || key.starts_with("userdb_") || key.starts_with("event_") || key == "nodelay") return {};
  if (key == "nologin") {
    entry.disabled = true;
  } else if (key == "allow_nets") {
    if (auto set = set_field(entry, "networks", value); !set) return tl::unexpected(set.error());
  } else if (key == "user") {
    entry.backend_user = value;
  } else {
    for (std::string_view known : {"allow_real_nets", "host", "master", "master_user", "nopassword", "pass", "port",
                                   "proxy", "proxy_maybe", "destuser"}) {
      if (key == known) return fail(fmt::format("the extra field {} has no counterpart here", known));
    }
    return fail("an extra field is none of user, nologin, allow_nets and userdb_...");
  }
  return {};
}

Result<Entry> own_line(Fields fields) {
  Entry entry;
  std::string* into[] = {&entry.name, &entry.password, &entry.pool, &entry.shard, &entry.backend_user};
  for (size_t i = 0; i < fields.size(); ++i) *into[i] = std::move(fields[i]);
  return entry;
}

Result<Entry> dovecot_line(const Fields& fields) {
  Entry entry;
  entry.name = fields[0];
  entry.password = fields[1];
  std::string extra;  // all the rest, with colons of its own: userdb_mail=maildir:~/Maildir
  for (size_t i = kDovecotFields; i < fields.size(); ++i) extra += (extra.empty() ? "" : ":") + fields[i];
  for (const std::string& field : split(extra, ' ')) {
    if (auto taken = take_extra_field(entry, field); !taken) return tl::unexpected(taken.error());
  }
  return entry;
}

class FileReader {
 public:
  FileReader(std::string_view text, const NameOfEntry& normalise) : records_(text), normalise_(normalise) {}

  UserFile read() {
    Records ahead = records_;
    std::optional<std::string_view> first;
    do {
      records_ = ahead;
      first = ahead.next_line();
    } while (first && blank(*first));
    if (first && is_csv_header(*first)) {
      read_csv();
    } else {
      while (auto line = records_.next_line()) {
        if (!blank(*line)) read_line(*line);
      }
    }
    return std::move(file_);
  }

 private:
  void read_line(std::string_view line) {
    Fields fields = split(line, ':');
    if (fields.size() < 2) return complain(kNoSeparator);
    if (fields[0].find_first_of(" \t,;|\"{}") != std::string::npos) return complain(kStrangeName);
    auto entry = is_dovecot(fields) ? dovecot_line(fields) : own_line(std::move(fields));
    if (!entry) return complain(entry.error().message);
    keep(std::move(*entry));
  }

  void read_csv() {
    std::vector<std::string> columns;
    while (auto record = records_.next_csv()) {
      if (!*record) return complain(record->error().message);
      Fields& fields = **record;
      if (fields.size() == 1 && blank(fields[0])) continue;
      if (!columns.empty()) {
        read_row(columns, fields);
        continue;
      }
      for (const std::string& field : fields) columns.push_back(lower(trimmed(field)));
      if (auto good = check_columns(columns); !good) return complain(good.error().message);
    }
  }

  // Without a word of the line: where the header is missing, it holds somebody's password.
  static Result<void> check_columns(const std::vector<std::string>& columns) {
    for (size_t i = 0; i < columns.size(); ++i) {
      const auto& known = field_names();
      if (columns[i] != "name" && std::find(known.begin(), known.end(), columns[i]) == known.end()) {
        return fail(fmt::format("column {} of the header is none of name, {}", i + 1, fmt::join(known, ", ")));
      }
      if (std::find(columns.begin(), columns.begin() + static_cast<ptrdiff_t>(i), columns[i]) !=
          columns.begin() + static_cast<ptrdiff_t>(i)) {
        return fail(fmt::format("column {} is in the header twice", columns[i]));
      }
    }
    if (std::find(columns.begin(), columns.end(), "name") == columns.end())
      return fail("the header has no column name");
    return {};
  }

  void read_row(const std::vector<std::string>& columns, Fields& fields) {
    if (fields.size() > columns.size()) return complain("more fields than the header has (quote what holds commas)");
    if (fields.size() < 2 && columns.size() > 1) return complain("no comma in the line");
    Entry entry;
    for (size_t i = 0; i < fields.size(); ++i) {
      auto set = set_field(entry, columns[i] == "name" ? "user" : columns[i], fields[i]);
      if (!set) return complain(set.error().message);
    }
    keep(std::move(entry));
  }

  void keep(Entry entry) {
    auto name = normalise_(entry.name);
    if (!name) return complain("no login has the name " + printable(entry.name) + ": " + name.error().message);
    entry.name = std::move(*name);
    if (auto good = check_entry(entry); !good) return complain(good.error().message);
    file_.users.push_back({records_.line(), std::move(entry)});
  }

  void complain(std::string message) { file_.problems.push_back({records_.line(), std::move(message)}); }

  Records records_;
  const NameOfEntry& normalise_;
  UserFile file_;
};

}  // namespace

UserFile read_users(std::string_view text, const NameOfEntry& normalise) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  return FileReader(text, normalise).read();
}

Result<void> check_entry(const Entry& entry) {
  if (entry.name.empty() || entry.name == "@") return fail("the name is empty");
  if (entry.name.size() > limits::kUserMax) return fail(fmt::format("the name is over {} octets", limits::kUserMax));
  for (const std::string* field : {&entry.name, &entry.password, &entry.pool, &entry.shard, &entry.backend_user}) {
    if (has_ctl(*field)) return fail("there is a control character in a field");
  }
  if (!is_utf8(entry.name) || !is_utf8(entry.backend_user)) return fail("the name is not UTF-8");
  if (entry.name.front() == ' ' || entry.name.back() == ' ') return fail("the name begins or ends with a blank");
  if (entry.name.starts_with('@') && !(entry.password.empty() && entry.backend_user.empty())) {
    return fail("the entry of a domain has neither password nor backend_user");
  }
  if (entry.password.empty()) return {};
  return check_stored_password(entry.password);
}

}  // namespace postigo
