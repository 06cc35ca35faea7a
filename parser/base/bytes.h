// Bytes: the one name for "some octets that somebody else owns".
//
// A view is valid until the owner's next mutating call; every function that keeps one longer says so.
#pragma once

#include <string_view>

namespace postigo {

using Bytes = std::string_view;

}  // namespace postigo
