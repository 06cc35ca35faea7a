// A backend may repeat in its answer what we told it in confidence: such an answer is no text for a log (A33).
#pragma once

#include <string>

#include "parser/base/secret.h"

namespace postigo {

// `text` (as printable() made it, perhaps cut), or a remark in its place if it repeats `password`: as it is, or inside
// base64, as SASL sent it.
std::string without_secret(const std::string& text, const Secret& password);

}  // namespace postigo
