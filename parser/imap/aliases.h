// Aliases: tags of ours under which some of a client's commands reach the backend.
//
// A client may use one tag for two commands that run at the same time, and a backend may forget an answer, repeat one,
// or answer out of order. Where it matters which command an answer belongs to, the command passes under a tag that this
// session has never used before. The answer goes to the client under the tag that he chose.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>

#include "parser/base/bytes.h"

namespace postigo::imap {

class Aliases {
 public:
  // A client's own tag that begins like this passes under an alias, too; so no tag of his can be one of ours.
  static constexpr Bytes kPrefix = "PSTG";
  static bool is_ours(Bytes tag) { return tag.starts_with(kPrefix); }
  static constexpr size_t kTextMax = kPrefix.size() + 20;
  // Who ends IDLE by something else than DONE has all his commands under aliases until IDLE has its answer. Beyond so
  // many the oldest is forgotten: its answer would pass under our tag.
  static constexpr size_t kMax = 1000;
  static constexpr size_t kTagOctetsMax = 32 * 1024;  // of all tags together

  // Every session in IDLE has one.
  class Alias {
   public:
    Alias(uint64_t number, Bytes client_tag);
    uint64_t number() const { return number_; }
    Bytes text() const { return Bytes(both_).substr(0, size_); }
    Bytes client_tag() const { return Bytes(both_).substr(size_); }

   private:
    uint64_t number_ : 56;
    uint64_t size_ : 8;  // of the text
    std::string both_;   // one string: most fit in place
  };

  // Numbers grow: a higher one began later. The alias stays until its answer, or until there are too many others. No
  // tag: a command of ours, whose answer is not for the client.
  const Alias& add(Bytes client_tag);
  // Null: not one of ours.
  const Alias* find(Bytes text) const;
  // Its answer has passed. What find() returned stays valid until sweep().
  void answered(uint64_t number);
  void sweep() { spent_.clear(); }

 private:
  void close(std::list<Alias>::iterator alias);

  std::list<Alias> open_;
  std::list<Alias> spent_;
  uint64_t last_ = 0;
  size_t tag_octets_ = 0;  // of those that are open
};

}  // namespace postigo::imap
