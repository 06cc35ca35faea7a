// Netstrings (Bernstein 1997): "5:hello,". What Postfix' socketmap protocol is made of (socketmap_table(5)).
//
// Sans I/O and without state: offer all that has come so far, again with more behind it, until it is decided.
#pragma once

#include <cstddef>
#include <string>

#include "parser/base/bytes.h"

namespace postigo::netstring {

struct Parsed {
  enum class State { more, done, broken };  // broken: it never will be one, or it is longer than `max`
  State state = State::more;
  Bytes text;           // points into the input
  size_t consumed = 0;  // octets of the input; 0 unless done
};

Parsed parse(Bytes input, size_t max);

void append(std::string& to, Bytes text);

}  // namespace postigo::netstring
