// SASLprep (RFC 4013): one name in one form, however a client's keyboard has written it.
#pragma once

#include <optional>
#include <string>

#include "parser/base/bytes.h"

namespace postigo::sasl {

// Nothing if it is not UTF-8, or holds what no name may. Printable ASCII stays as it is.
std::optional<std::string> prepare(Bytes text);

}  // namespace postigo::sasl
