// Lexer: a cursor over one framed IMAP command (RFC 9051 9). Each function takes what it names off the front, or leaves
// the cursor where it was and says no.
//
// Views point into the message. Strings come as Secret because most of those that we take are credentials.
#pragma once

#include <cstddef>

#include "parser/base/bytes.h"
#include "parser/base/secret.h"

namespace postigo::imap {

class Lexer {
 public:
  explicit Lexer(Bytes text) : rest_(text) {}

  bool take(char c);
  bool take_word(Bytes word);    // ignoring case; must end at a delimiter
  bool atom(Bytes& atom);        // tolerant: "%", "*", "\" and 8-bit octets pass, as in the servers that people run
  bool astring(Secret& string);  // atom, quoted or literal; escapes exist in quoted strings only (T5)
  bool string(Secret& string);   // quoted or literal
  bool at_end();                 // nothing but blanks is left
  Bytes rest() const { return rest_; }

 private:
  bool quoted(Secret& string);
  bool literal(Secret& string);

  Bytes rest_;
};

// "tag SP verb" at the front of a line. The verb is a name (letters, digits, "-", "_", "."), the tag is as strict as
// the RFC has it (T9): whatever else comes in first place is not ours to echo (T10, A20, A29).
struct CommandHead {
  Bytes tag;
  Bytes verb;
  Bytes rest;  // from the delimiter behind the verb on
};
bool parse_head(Bytes line, CommandHead& head);

}  // namespace postigo::imap
