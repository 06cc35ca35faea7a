// From a line to an entry. Not here: files and finding lines in them (passwd_table.cc).
#include "backends/directory/passwd_line.h"

#include <array>
#include <string>

#include "parser/base/ascii.h"

namespace postigo {
namespace {

constexpr size_t kFieldsBeforeExtra = 7;

// Cuts off what stands before the next `separator`, or all.
std::string_view take(std::string_view& rest, char separator) {
  const size_t end = rest.find(separator);
  std::string_view part = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return part;
}

std::string stored_form(std::string_view password) {
  if (password.empty() || password == "*" || password.front() == '!') return {};
  if (password.front() == '{') return std::string(password);
  if (password.ends_with("[34]")) return "{MD5}" + std::string(password.substr(0, password.size() - 4));
  if (password.ends_with("[13]")) password.remove_suffix(4);
  return "{CRYPT}" + std::string(password);
}

struct Extra {
  std::string_view theirs, ours;
};
constexpr Extra kExtras[] = {{"user", "backend_user"},
                             {"destuser", "backend_user"},
                             {"allow_nets", "networks"},
                             {"host", "backend"},
                             {"pass", "backend_password"}};
constexpr std::string_view kImpossible[] = {"nopassword", "allow_real_nets"};

std::string_view name_of(std::string_view key, const FieldNames& fields) {
  const std::string_view ours = fields.ours(key);
  if (ours != key) return ours;
  for (const Extra& extra : kExtras) {
    if (equal_ignoring_case(key, extra.theirs)) return extra.ours;  // as set_field() takes names
  }
  return equal_ignoring_case(key, "password") ? std::string_view() : key;
}

// Dovecot's word for a socket of the machine's own.
std::string without_local(std::string_view networks) {
  std::string kept;
  while (!networks.empty()) {
    const std::string_view network = take(networks, ',');
    if (network == "local") continue;
    kept += (kept.empty() ? "" : ",") + std::string(network);
  }
  return kept;
}

class Extras {
 public:
  Extras(Entry& entry, const FieldNames& fields) : entry_(entry), fields_(fields) {}

  Result<void> read(std::string_view text) {
    while (!text.empty()) {
      const std::string_view field = take(text, ' ');
      if (auto taken = read_one(field); !taken) return taken;
    }
    if (nologin_ && !proxied_) entry_.disabled = true;
    return {};
  }

 private:
  Result<void> read_one(std::string_view field) {
    std::string_view value = field;
    const std::string_view key = take(value, '=');
    nologin_ = nologin_ || key == "nologin";
    proxied_ = proxied_ || key == "proxy" || key == "proxy_maybe";
    for (std::string_view impossible : kImpossible) {
      if (key == impossible) return fail("the extra field " + std::string(impossible) + " has no counterpart here");
    }
    if (key.empty() || key.starts_with("userdb_") || key.starts_with("event_")) return {};
    if (!equal_ignoring_case(key, "allow_nets")) return set(key, value);
    const std::string networks = without_local(value);
    // Nothing but "local": he may come in from nowhere that reaches us.
    return set(key, networks.empty() ? "::/128" : networks);
  }

  Result<void> set(std::string_view key, std::string_view value) {
    auto set = set_field(entry_, name_of(key, fields_), value);
    return set ? Result<void>() : tl::unexpected(set.error());
  }

  Entry& entry_;
  const FieldNames& fields_;
  bool nologin_ = false, proxied_ = false;
};

}  // namespace

Result<Entry> parse_passwd_line(std::string_view line, const FieldNames& fields) {
  Entry entry;
  entry.name = take(line, ':');
  entry.password = stored_form(take(line, ':'));
  for (size_t field = 2; field < kFieldsBeforeExtra; ++field) take(line, ':');
  if (auto read = Extras(entry, fields).read(line); !read) return tl::unexpected(read.error());
  return entry;
}

}  // namespace postigo
