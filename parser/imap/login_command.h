// The command that logs our user in at a backend, in the pieces that may be sent without waiting for it; and in which
// ways it can be said, because what a backend lists is not always what it does (T77).
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "parser/back.h"
#include "parser/base/bytes.h"
#include "parser/base/result.h"
#include "parser/base/secret.h"

namespace postigo::imap {

// What of a backend's list before login decides how its login is said.
struct LoginAbilities {
  bool plain = false;       // AUTH=PLAIN
  bool auth_login = false;  // AUTH=LOGIN
  bool login = true;        // not LOGINDISABLED
  bool sasl_ir = false;     // SASL-IR
  bool literal_plus = false;
  bool literal_minus = false;
};
LoginAbilities login_abilities(const std::vector<std::string>& capabilities);  // in upper case

enum class LoginWay {
  sasl,    // AUTHENTICATE, with a mechanism that something asks for, or with LOGIN where a backend has nothing else
  plain,   // AUTHENTICATE PLAIN: carries an authzid, and any octet
  login,   // LOGIN with quoted strings, and literals for what those should not hold (RFC 3501 9: 7 bits; RFC 2683:
           // short)
  quoted,  // LOGIN with quoted strings only, for servers that know no literals there
};

// The ways to try, best first; never none.
struct LoginWays {
  std::array<LoginWay, 3> all{};
  size_t count = 0;
};
// To say the password itself. An error says why this backend cannot take our user.
Result<LoginWays> login_ways(const BackLogin& login, const LoginAbilities& abilities);

// LOGIN. Each piece after the first waits for a "+".
std::vector<Secret> login_command(Bytes tag, LoginWay way, const BackLogin& login, const LoginAbilities& abilities);

// Whether an initial response of so many octets goes with AUTHENTICATE (RFC 4959). A longer one waits for the "+",
// which takes longer lines in many servers.
bool goes_with_the_command(size_t initial_response, const LoginAbilities& abilities);

}  // namespace postigo::imap
