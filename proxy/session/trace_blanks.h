// TraceBlanks: what a client says, without the secrets in it: the arguments of commands that log in, in either
// protocol, whatever form they have (quoted, literals, SASL's lines), and wherever the stream is cut.
//
// Pure. One for each stream; it sees all of it, in order.
#pragma once

#include <cstdint>
#include <string>

#include "parser/base/bytes.h"

namespace postigo {

class TraceBlanks {
 public:
  // What of `data` may be shown; "***" stands for what may not, once however it is cut.
  std::string show(Bytes data);
  // The server spoke. Behind AUTHENTICATE or AUTH all lines of the client are its secrets until the answer to that is
  // there, whatever else is answered before.
  void server_said(Bytes data);

 private:
  enum class State {
    words,    // of a line, up to the end of its second word
    clear,    // the rest of a harmless line
    secret,   // the rest of a line that is not shown
    literal,  // octets of a literal that is part of it
  };

  void take(char c, std::string& shown);
  void server_line();
  void end_word();
  void look_for_fields(char c);
  void note_tail(char c);
  void end_line();
  void hide(std::string& shown);

  State state_ = State::words;
  std::string word_;          // the one that is being read, as far as it matters
  std::string first_;         // of this line: in IMAP its tag
  unsigned words_ = 0;        // that ended in this line
  std::string tail_;          // of a secret line: what may be the announcement of a literal
  uint64_t literal_ = 0;      // octets to come
  std::string said_;          // how the server's current line begins
  std::string awaited_;       // the tag whose answer ends the exchange; empty: it is POP3's
  unsigned unanswered_ = 0;   // POP3's commands, as far as one can tell
  bool exchange_ = false;     // a SASL exchange is under way
  bool veiled_ = false;       // it was when this line began
  bool starts_sasl_ = false;  // this line begins one
  bool is_id_ = false;        // this line is IMAP's ID, where fields for a passdb may stand
  size_t forward_ = 0;        // octets of "x-forward-" that have just been
  bool hidden_ = false;       // "***" was shown, and nothing behind it
};

}  // namespace postigo
