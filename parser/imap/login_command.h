// The command that logs our user in at a backend, in the pieces that may be sent without waiting for it.
#pragma once

#include <vector>

#include "parser/base/bytes.h"
#include "parser/base/result.h"
#include "parser/base/secret.h"
#include "parser/dialogue.h"

namespace postigo::imap {

// `capabilities` is what the backend lists before login, in upper case. Each piece after the first waits for a "+".
// An error says why this backend cannot take our user.
Result<std::vector<Secret>> login_command(Bytes tag, const BackLogin& login,
                                          const std::vector<std::string>& capabilities);

}  // namespace postigo::imap
