// A command whose literals need no word from the backend.
//
// "{n+}" saves a round trip (RFC 7888), but servers differ in what they do with the octets behind a command that they
// refuse early: some skip them, some read them as commands. A command whose literals are here as a whole can be looked
// at both ways. If no line of it could do harm as a command, it does not matter how the backend reads it.
#pragma once

#include <cstddef>

#include "parser/base/bytes.h"
#include "parser/imap/command_line.h"

namespace postigo::imap {

struct WholeCommand {
  enum class Kind {
    incomplete,  // more octets are to come
    harmless,    // may pass as it is
    doubtful,    // the backend must say that it takes the literals
  };
  Kind kind = Kind::doubtful;
  size_t size = 0;  // harmless: with its last line end
};

// Literals beyond this (RFC 7888 5: what LITERAL- allows, too) are not waited for.
inline constexpr size_t kWholeLiteralMax = 4096;

// `in` begins with `line`, the command's first one, and `said` is what it says: it announces a "{n+}".
WholeCommand find_whole_command(Bytes in, Bytes line, const CommandLine& said);

// As a line of its own it would pass unchanged and ask for nothing.
bool is_harmless(Bytes line);

}  // namespace postigo::imap
