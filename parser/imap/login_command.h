// The command that logs our user in at a backend, in the pieces that may be sent without waiting for it; and in which
// ways it can be said, because what a backend lists is not always what it does (T77).
#pragma once

#include <vector>

#include "parser/base/bytes.h"
#include "parser/base/result.h"
#include "parser/base/secret.h"
#include "parser/dialogue.h"

namespace postigo::imap {

enum class LoginWay {
  plain,   // AUTHENTICATE PLAIN: carries an authzid, and any octet
  login,   // LOGIN with quoted strings, and literals for what those should not hold (RFC 3501 9: 7 bits; RFC 2683:
           // short)
  quoted,  // LOGIN with quoted strings only, for servers that know no literals there
};

// The ways to try, best first; never empty. `capabilities` is what the backend lists before login, in upper case.
// An error says why this backend cannot take our user.
Result<std::vector<LoginWay>> login_ways(const BackLogin& login, const std::vector<std::string>& capabilities);

// Each piece after the first waits for a "+".
std::vector<Secret> login_command(Bytes tag, LoginWay way, const BackLogin& login,
                                  const std::vector<std::string>& capabilities);

}  // namespace postigo::imap
