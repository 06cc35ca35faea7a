// What the relay may know of one complete line of a client (RFC 9051 9; RFC 7888): the one place that lexes them.
//
// It is strict where servers differ. A quote that does not close on its line, a brace that is no announcement, a
// control character outside of quotes: one server refuses such a line as a whole, another one runs its rest as a new
// command, a third one sees a literal where the first two saw none. Such lines are `malformed`, and nobody passes them
// on. What an argument means is between the client and its backend. Views point into the line.
#pragma once

#include <cstddef>
#include <cstdint>

#include "parser/base/bytes.h"

namespace postigo::imap {

// "{n}" or "{n+}" that ends a line.
struct Announcement {
  bool present = false;
  bool sync = true;   // the client waits for "+"
  uint64_t size = 0;  // at most kLiteralMax
  size_t end = 0;     // offset in the line behind the last digit: of "}" or "+}"
};

// More than any message, less than what overflows anybody's int (T4).
inline constexpr uint64_t kLiteralMax = 0x7fffffff;

// The arguments of a command, over all of its lines.
class Arguments {
 public:
  // exact: for verbs that some server parses with a parser of their own, whose errors leave the rest of the line to be
  // read as a new command (Dovecot's APPEND). Then no atom may hold what an atom must not, lists are balanced, and
  // behind one that ends on a later line than it began nothing follows.
  explicit Arguments(bool exact = false) : exact_(exact) {}

  // One line's part of them, without the line end. False: malformed. `announced.end` counts from the start of `text`.
  bool take(Bytes text, bool behind_literal, Announcement& announced);

 private:
  bool plain(char c, char before, bool ended_a_list);

  bool exact_;
  uint8_t depth_ = 0;
  uint8_t floor_ = 0;  // the least depth since this line began
};

struct CommandLine {
  enum class Shape : uint8_t {
    blank,      // nothing, or blanks
    done,       // "DONE" alone
    no_tag,     // what stands there is no tag: an answer to it could not be told from something else
    no_verb,    // a tag alone
    malformed,  // behind a tag
    command,
  };
  Shape shape = Shape::blank;
  Bytes tag;               // no_verb, malformed, command
  Bytes verb;              // command: as written; behind "UID " the next word
  bool uid = false;        // behind "UID "
  bool arguments = false;  // something but blanks behind the verb
  Announcement literal;    // command: announced at its end
  Arguments state;         // command: to go on with behind the literal
};

// `line` with its line end (LF or CRLF), or the beginning of one that is too long: then only `tag` and `shape` up to
// `no_tag` are of use.
CommandLine lex_command(Bytes line);

// RFC 9051 9 tag: 1*<any ASTRING-CHAR except "+">, and of a sane length.
bool is_tag(Bytes word);

}  // namespace postigo::imap
