// Files of users for `postigo user import`: from text to entries, or to a list of what is wrong and where.
//
// Two forms, told apart by the first line that is not empty and no "#" comment:
//   passwd-like   name:{SCHEME}hash[:pool[:shard[:backend_user]]]       also without a hash: name::pool
//   CSV           a header that starts with "name" and a comma, then rows (RFC 4180 quoting, needed for Argon2's
//   commas)
//                 columns in any order: name password pool shard backend_user disabled (1, yes, true)
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

// `normalise` is Router::normalise, applied to every name that is not a domain entry (those are lowercased).
UserFile read_users(std::string_view text, const std::function<std::string(std::string_view)>& normalise);

// What every stored entry must satisfy: a name of bounded length without control characters, a password of a known
// scheme or none, no password and no backend_user for a domain.
Result<void> check_entry(const Entry& entry);

}  // namespace postigo
