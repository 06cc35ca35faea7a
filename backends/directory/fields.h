// Fields: what a server says of a user, by name, becomes an Entry: columns, attributes, keys of a hash. One table of
// names for all drivers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "backends/directory/entry.h"
#include "parser/base/result.h"

namespace postigo {

// `theirs=ours`, as config::Directory::fields has it; a name that is not there is ours already.
class FieldNames {
 public:
  // "there is no field "x"" for an `ours` that nobody knows.
  static Result<FieldNames> parse(const std::vector<std::string>& pairs);
  std::string_view ours(std::string_view theirs) const;
  // What the server must be asked for where it wants to be told: `theirs` of each pair.
  const std::vector<std::pair<std::string, std::string>>& pairs() const { return pairs_; }

 private:
  std::vector<std::pair<std::string, std::string>> pairs_;
};

// All but "user", in the order in which files and tables have them.
const std::vector<std::string_view>& field_names();

// As set_field() takes it; empty: it says nothing. REQUIRES: one of field_names(), or "user".
std::string field_text(const Entry& entry, std::string_view name);

// False: no field has this name; drivers ignore what they did not ask for. Names in any case. An error says what is
// wrong with the value and shows it only if it is no secret.
Result<bool> set_field(Entry& entry, std::string_view name, std::string_view value);

}  // namespace postigo
