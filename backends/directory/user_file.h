// Files of users for `postigo user import`: from text to entries, or to a list of what is wrong and where.
//
// Three forms. The first line that is not empty and no "#" comment tells CSV from the others:
//   CSV           a header without ":" (RFC 4180; quotes are needed for Argon2's commas); columns in any order:
//                 name, and the fields of fields.h: password pool shard backend_user disabled valid_until ...
//   ours          name:{SCHEME}hash[:pool[:shard[:backend_user]]]        also without a hash: name::pool
//   Dovecot's     user:{SCHEME}hash:uid:gid:gecos:home:shell:extra fields, line by line; told from ours by a uid in the
//   passwd-file   third field or by more than five fields. Of the extra fields, user= is the name at the backend,
//                 nologin disables and allow_nets is from where; userdb_... is left out; any other is a problem.
// A name of "@example.com" is the entry of a domain. Passwords are taken as they are, never hashed.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/directory/entry.h"
#include "parser/base/result.h"

namespace postigo {

struct LineProblem {
  size_t line = 0;      // from 1
  std::string message;  // no secret
};

struct UserLine {
  size_t line = 0;
  Entry entry;
};

struct UserFile {
  std::vector<UserLine> users;
  std::vector<LineProblem> problems;  // in the file's order; empty: the file is good
};

using NameOfEntry = std::function<Result<std::string>(std::string_view)>;  // Names::entry
UserFile read_users(std::string_view text, const NameOfEntry& normalise);

// What every stored entry must satisfy: a name of bounded length in UTF-8 without control characters, a password that
// can be checked at a bounded cost or none, no password and no backend_user for a domain.
Result<void> check_entry(const Entry& entry);

}  // namespace postigo
