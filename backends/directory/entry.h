// What drivers that keep entries (static, sqlite) have in common: from an entry to an answer.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/directory.h"
#include "backends/directory/app_password.h"
#include "backends/directory/standing.h"
#include "backends/env.h"
#include "config/config.h"

namespace postigo {

// One stored user, or a domain if the name starts with "@".
struct Entry : config::StaticUser {
  std::string backend = {};      // Identity has both
  Secret backend_password = {};  // of his own; a domain's is nobody's
};

// "@example.com" for "joe@example.com"; "@" for a name without a domain, which no entry has.
std::string domain_entry_name(std::string_view user);

// What a directory found for one query: the user's own entry and his domain's. The domain gives the placement that the
// user's entry leaves open; disabling it disables all of its users.
struct Found {
  std::optional<Entry> user, domain;
  std::vector<AppPassword> app_passwords = {};  // the user's
};

// How a directory checks passwords.
struct Checking {
  bool enabled = false;  // false: nothing is hashed and the identity is for routing (verified = false)
  std::string decoy;     // hashed for those who have no usable password
  std::shared_ptr<Standing> standing = std::make_shared<Standing>();
  // Told, on the worker's thread, that one of his passwords for programs has let him in. Must not block; may be null.
  std::function<void(const std::string& user, const AppPassword& password, int64_t now_s)> used = {};
};

// Answers `lookup` from what was found, on a later turn.
//
// Who is refused has waited in the last line for it, whether he exists or not (README.md, "Who waits for whom"): either
// with the hash, if his name's attempts have failed lately, or behind it.
//
// Where passwords are checked, every answer but no_such_user and try_later has cost one hash on Pool::password, also
// for a disabled user, for one without a password and for one whose stored password is of no use; all of those stay
// out: only the right password learns "disabled". A domain entry alone cannot vouch for anybody: no_such_user.
void answer(Env& env, Lookup& lookup, const Query& query, Found found, const Checking& checking);

// Finishes on the next turn.
void answer_later(Env& env, Lookup& lookup, LookupResult&& result);

LookupResult try_later(std::string detail);

}  // namespace postigo
