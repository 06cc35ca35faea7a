// Base64 with the alphabet for URLs and without padding (RFC 4648 5, RFC 7515 2), as strict as the other one.
#pragma once

#include <optional>
#include <string>

#include "parser/base/base64.h"

namespace postigo::oauth {

inline std::optional<std::string> base64url_decode(Bytes text) {
  std::string usual(text);
  for (char& c : usual) {
    if (c == '+' || c == '/' || c == '=') return std::nullopt;
    if (c == '-') c = '+';
    if (c == '_') c = '/';
  }
  usual.append((4 - usual.size() % 4) % 4, '=');
  auto decoded = base64_decode(usual);
  if (!decoded) return std::nullopt;
  return std::string(decoded->reveal());
}

}  // namespace postigo::oauth
