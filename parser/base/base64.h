// Base64 as SASL needs it (RFC 4648 4; RFC 9051 6.2.2): strict, no line breaks, exact padding (T16).
#pragma once

#include <optional>
#include <string>

#include "parser/base/bytes.h"
#include "parser/base/secret.h"

namespace postigo {

std::string base64_encode(Bytes bytes);

// Nothing on a character outside the alphabet, missing or wrong padding, non-zero trailing bits. The result is a Secret
// because all that we decode is a credential.
std::optional<Secret> base64_decode(Bytes text);

}  // namespace postigo
