// Passwords for programs: a user has one for each of his devices, and can take back one without touching the others.
//
// They are made here, of 128 random bits, and never chosen. So a quick hash keeps them as safe as a slow one would keep
// what people choose: nobody guesses through 2^128 of them, at whatever speed. And so a login with one costs next to
// nothing, however many a user has. Those that others have made may be stored in any quick scheme of password_digest.h.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/directory.h"
#include "parser/base/result.h"
#include "parser/base/secret.h"

namespace postigo {

struct AppPassword {
  std::string label;  // whose device; unique among the user's
  std::string hash;   // "{SHA256}..."
  config::Conditions may;
  int64_t used_s = 0;  // unix time of the last login with it; 0: never
  bool operator==(const AppPassword&) const = default;
};

struct MadeAppPassword {
  Secret shown;  // to the user, once: "abcd-efgh-...", to be typed with or without dashes and blanks, in any case
  std::string hash;
};
Result<MadeAppPassword> make_app_password();

// Which one was said; null: none. In time that does not depend on where they differ. Quick: for any thread.
const AppPassword* find_app_password(std::span<const AppPassword> passwords, const Secret& said);

// False: no field has this name. Those are label, password (the hash), protocols, networks, listeners, valid_from,
// valid_until and used. For what servers say (fields.h).
Result<bool> set_app_field(AppPassword& password, std::string_view name, std::string_view value);

// A label of bounded length that fits in a line, and a hash that is quick to check.
Result<void> check_app_password(const AppPassword& password);

}  // namespace postigo
