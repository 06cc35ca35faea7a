// Whether a text of a backend repeats a part of what we said to log in. Some servers quote the line that they do not
// understand; such a text must reach neither a log nor a client (A33).
#pragma once

#include <cstddef>
#include <string>

#include "parser/back.h"
#include "parser/base/bytes.h"

namespace postigo {

// As it is, as a quoted string has it, or in base64, by itself, in a message of SASL PLAIN, or in whatever a mechanism
// said. `text` as the backend sent it.
bool repeats_credentials(Bytes text, const BackLogin& login);

// For a log: `text` made printable, or what there is to say of one that repeats credentials.
std::string readable(Bytes text, const BackLogin& login, size_t max);

}  // namespace postigo
