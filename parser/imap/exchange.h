// Exchange: what the two directions of a relayed IMAP session must know of each other.
//
// It answers one question for the client's side: may these octets pass, or does their meaning depend on what the
// backend says next? After "{n}", IDLE and COMPRESS it does (wait()). To read the backend's answer without doubt the
// client's side lets such a line end only when every earlier command is answered; then "+" or a tagged line can mean
// one thing.
//
// Counting errs to the side that cannot hang a client: what might not be answered (blank lines, a stray DONE) is not
// passed on at all, "* BAD" counts as an answer, and a tagged line with another tag than that of the command that waits
// changes nothing for it.
#pragma once

#include <cstdint>

#include "parser/base/bytes.h"

namespace postigo::imap {

class Exchange {
 public:
  enum class Wait : uint8_t { none, literal, hidden_literal, idle, compress };
  enum class Verdict : uint8_t { none, granted, refused };

  // --- the client's side ---
  void begin_command(uint64_t tag);  // its first line end passes now
  void end_command() { open_ = false; }
  bool in_command() const { return open_; }
  bool answered_early() const { return open_ && answered_; }
  bool others_pending() const { return outstanding_ > (open_ && !answered_ ? 1U : 0U); }

  void wait(Wait what) { wait_ = what; }
  bool waiting() const { return wait_ != Wait::none; }
  Verdict take_verdict();
  bool idling() const { return idling_; }
  void stop_idling() { idling_ = false; }

  // --- the backend's side: a complete line of the kind has passed ---
  void continuation();
  void tagged(uint64_t tag, bool ok);
  void untagged_bad();
  // The next "+" answers a literal for which the client does not wait: it is not for the client.
  bool hides_continuation() const { return wait_ == Wait::hidden_literal; }

  bool compressed() const { return compressed_; }

 private:
  void refuse();

  uint64_t outstanding_ = 0;  // commands without an answer, the open one included
  uint64_t tag_ = 0;          // of the last command that began
  Wait wait_ = Wait::none;
  Verdict verdict_ = Verdict::none;
  bool open_ = false;      // its literals or the end of its last line are still to come
  bool answered_ = false;  // the open command has its tagged answer already
  bool idling_ = false;
  bool compressed_ = false;
};

// Tags are compared by hash, so that nobody needs to keep them: FNV-1a, octet by octet.
inline constexpr uint64_t kTagHashStart = 0xcbf29ce484222325;
inline uint64_t tag_hash(uint64_t hash, Bytes octets) {
  for (char c : octets) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

}  // namespace postigo::imap
