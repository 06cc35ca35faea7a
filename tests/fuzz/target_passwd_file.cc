// A passwd-file in Dovecot's format. Oracles: a name finds a line that begins with it, and the first such; what would
// bar somebody at Dovecot's is an error or bars him here, too; no complaint shows a password.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "backends/directory/passwd_line.h"
#include "backends/directory/passwd_table.h"
#include "backends/user_name.h"
#include "parser/base/ascii.h"

namespace {

using namespace postigo;

void require(bool holds) {
  if (!holds) abort();
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (size_t from = 0; from <= text.size();) {
    const size_t end = std::min(text.find(at, from), text.size());
    parts.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return parts;
}

void check_extras(const Entry& entry, std::string_view extras) {
  bool nologin = false, proxied = false, bound = false;
  for (std::string_view extra : split(extras, ' ')) {
    const std::string_view key = extra.substr(0, extra.find('='));
    require(key != "nopassword" && key != "allow_real_nets");
    nologin = nologin || key == "nologin";
    proxied = proxied || key == "proxy" || key == "proxy_maybe";
    bound = bound || key == "allow_nets";
  }
  if (nologin && !proxied) require(entry.disabled);
  const bool named = lower(extras).find("networks") != std::string::npos;  // our own word for it may stand behind
  if (bound && !named) require(!entry.may.networks.empty());
}

void check_line(std::string_view line) {
  static const FieldNames none = *FieldNames::parse({});
  std::vector<std::string_view> parts = split(line, ':');
  auto entry = parse_passwd_line(line, none);
  const std::string_view password = parts.size() > 1 ? parts[1] : std::string_view();
  // Unless the same text stands in another field, or in the words of a complaint.
  const bool once = password.size() > 9 && password.find_first_of(" \"") == std::string_view::npos &&
                    line.find(password) == line.rfind(password);
  if (!entry) return require(!once || entry.error().message.find(password) == std::string::npos);
  require(entry->name == parts[0]);
  const bool nobodys = password.empty() || password == "*" || password[0] == '!';
  require(nobodys == entry->password.empty());
  if (!nobodys) require(entry->password.find('{') == 0 && (password[0] != '{' || entry->password == password));
  size_t before = 0;
  for (size_t i = 0; i < std::min<size_t>(parts.size(), 7); ++i) before += parts[i].size() + 1;
  check_extras(*entry, parts.size() > 7 ? line.substr(before) : std::string_view());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  auto table = PasswdTable::parse(text, {true, "a.test"});
  if (!table) {
    require(table.error().message.starts_with("line ") || table.error().message.size() < 100);
    return 0;
  }
  size_t found = 0;
  std::vector<std::string> seen;
  for (std::string_view line : split(text, '\n')) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line[0] == '#') continue;
    std::string name = lower(line.substr(0, line.find(':')));
    if (!is_utf8(name)) continue;  // has no case
    if (!has_domain(name) && !name.starts_with('@')) name += "@a.test";
    if (std::find(seen.begin(), seen.end(), name) != seen.end()) continue;
    seen.push_back(name);
    auto of_name = (*table)->line(name);
    if (!of_name) continue;  // cases beyond ASCII
    require(*of_name == line);
    check_line(line);
    ++found;
  }
  require(found <= (*table)->users());
  for (const char* nobody : {"", "nobody@b.test", "#", "@"})
    require(!(*table)->line(nobody) || text.find(nobody) != text.npos);
  return 0;
}
