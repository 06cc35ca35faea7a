// Exchange: what the two directions of a relayed IMAP session must know of each other.
//
// Three lines of a client ask the backend for a word that decides what the client's next octets mean: one that
// announces a literal, IDLE, and COMPRESS ("+" or a tagged answer). All else passes without asking anybody, because it
// means the same whatever the backend says. So nothing is counted here: one question is open at a time, and it is known
// beyond doubt what settles it:
//  - "+": no other line of ours can be answered by one;
//  - a tagged answer under the alias of the question (aliases.h);
//  - a tagged answer under a later alias: who has read a later command waits for nothing any more. So an answer that is
//    lost stops nobody.
// give_up() is for a backend that says nothing at all: then it is asked with a command of our own, whose answer settles
// the question like that of any later command. Until then nothing passes.
#pragma once

#include <cstdint>

namespace postigo::imap {

class Exchange {
 public:
  enum class Ask : uint8_t { none, literal, hidden_literal, idle, compress };
  enum class Verdict : uint8_t { none, granted, refused };

  // --- the client's side ---
  // A question may pass: no other one is open, and the backend reads commands.
  bool may_ask() const { return ask_ == Ask::none && idle_ == Idle::none; }
  // REQUIRES: may_ask(). The line of the command with this alias passes now; several literals of one have one alias.
  void ask(Ask what, uint64_t alias);
  Ask asked() const { return ask_; }
  // For a literal, once.
  Verdict take_verdict();
  // The command with this alias has its answer already, though its last line is still to come.
  bool answered(uint64_t alias) const { return answered_ && alias_ == alias; }

  // IDLE has passed, and no word of the backend. Nothing may pass behind it: Cyrus and Courier look at the socket while
  // they are in IDLE, not at what they have read along with it.
  bool awaits_idle() const { return ask_ == Ask::idle && !hurried_; }
  // In IDLE for sure: a line that is not DONE ends it with an error (RFC 2177 3).
  bool idling() const { return idle_ == Idle::open && ask_ == Ask::none; }
  // A line passes that is no question.
  void line_passes(bool is_done);

  // Something is unclear that the answer of a command under an alias would settle.
  bool unsettled() const { return idle_ != Idle::none; }
  // The backend has let the client wait too long. True: ask it with a command of ours. False: go on without its word
  // (IDLE, the first time), or nothing helps and all is lost.
  bool give_up();
  bool probing() const { return probing_; }

  // --- the backend's side: a complete line of the kind has passed ---
  void continuation();
  void tagged(uint64_t alias, bool ok);     // OK, NO or BAD under an alias
  void complaint() { complained_ = true; }  // an untagged NO or BAD
  // The next "+" answers a literal for which the client does not wait: it is not for the client.
  bool hides_continuation() const { return ask_ == Ask::hidden_literal; }
  // Since the question: some servers refuse in no other way.
  bool complained() const { return complained_; }

  bool compressed() const { return compressed_; }
  // It has become impossible to know what the client's octets are to the backend.
  bool lost() const { return lost_; }

 private:
  // open: as far as the client goes. ended: he has said something that ends it, but the backend may not be there yet.
  enum class Idle : uint8_t { none, open, done, ended };

  uint64_t alias_ = 0;  // of the last question
  Ask ask_ = Ask::none;
  Idle idle_ = Idle::none;
  Verdict verdict_ = Verdict::none;
  bool answered_ = false;  // it has its tagged answer
  bool probing_ = false;
  bool hurried_ = false;  // IDLE's word is not waited for any longer, but no other question is asked
  bool complained_ = false;
  bool compressed_ = false;
  bool lost_ = false;
};

}  // namespace postigo::imap
