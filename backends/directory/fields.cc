// The table of fields. Not here: how servers are asked (the drivers), and what a field means (entry.cc).
#include "backends/directory/fields.h"

#include <algorithm>
#include <array>
#include <utility>

#include "parser/base/ascii.h"

namespace postigo {
namespace {

bool is_one_of(std::string_view value, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [&](auto word) { return equal_ignoring_case(value, word); });
}

// As databases, LDAP and people write it.
Result<bool> truth(std::string_view value) {
  if (is_one_of(value, {"1", "t", "y", "true", "yes", "on"})) return true;
  if (is_one_of(value, {"", "0", "f", "n", "false", "no", "off"})) return false;
  return fail("is neither yes nor no");
}

template <auto member>
Result<void> text(Entry& entry, std::string_view value) {
  entry.*member = value;
  return {};
}

Result<void> backend_password(Entry& entry, std::string_view value) {
  if (!fits_in_line(value)) return fail("is not one line");
  entry.backend_password = Secret(value);
  return {};
}

Result<void> disabled(Entry& entry, std::string_view value) {
  auto is = truth(value);
  if (!is) return tl::unexpected(is.error());
  entry.disabled = *is;
  return {};
}

Result<void> enabled(Entry& entry, std::string_view value) {
  auto is = truth(value);
  if (!is) return tl::unexpected(is.error());
  entry.disabled = !*is;
  return {};
}

struct Field {
  std::string_view name;
  Result<void> (*set)(Entry& entry, std::string_view value);
};

constexpr Field kFields[] = {
    {"user", text<&Entry::name>},
    {"password", text<&Entry::password>},
    {"pool", text<&Entry::pool>},
    {"shard", text<&Entry::shard>},
    {"backend_user", text<&Entry::backend_user>},
    {"disabled", disabled},
    {"enabled", enabled},
    {"backend", text<&Entry::backend>},
    {"backend_password", backend_password},
};

const Field* find(std::string_view name) {
  auto field = std::find_if(std::begin(kFields), std::end(kFields),
                            [&](const Field& row) { return equal_ignoring_case(row.name, name); });
  return field == std::end(kFields) ? nullptr : field;
}

}  // namespace

Result<FieldNames> FieldNames::parse(const std::vector<std::string>& pairs) {
  FieldNames names;
  for (const std::string& pair : pairs) {
    const size_t equals = pair.find('=');
    std::string ours = pair.substr(equals + 1);
    if (find(ours) == nullptr) return fail("there is no field \"" + ours + '"');
    names.pairs_.emplace_back(pair.substr(0, equals), std::move(ours));
  }
  return names;
}

std::string_view FieldNames::ours(std::string_view theirs) const {
  for (const auto& [name, ours] : pairs_) {
    if (equal_ignoring_case(name, theirs)) return ours;
  }
  return theirs;
}

Result<bool> set_field(Entry& entry, std::string_view name, std::string_view value) {
  const Field* field = find(name);
  if (field == nullptr) return false;
  auto set = field->set(entry, value);
  if (!set) return fail(std::string(field->name) + ' ' + set.error().message);
  return true;
}

}  // namespace postigo
