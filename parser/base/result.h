// Result<T>: a value or one clear line that says what went wrong (tl::expected, until g++ brings std::expected).
//
// For errors of the world (bad input, refused connections). Our own bugs are asserts.
// An Error's text is meant for an operator: it never holds a secret.
#pragma once

#include <string>
#include <utility>

#include <tl/expected.hpp>

namespace postigo {

struct Error {
  std::string message;
};

template <typename T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(std::string message) { return tl::unexpected<Error>(Error{std::move(message)}); }

}  // namespace postigo
