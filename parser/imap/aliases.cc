// The table of aliases. A list, because views into its entries outlive what is added and removed beside them; it is
// empty in a session that waits for nothing.
#include "parser/imap/aliases.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace postigo::imap {

Aliases::Alias::Alias(uint64_t number, Bytes client_tag) : number_(number & ((uint64_t{1} << 56) - 1)), size_(0) {
  std::array<char, kTextMax> text;
  char* digits = std::copy(kPrefix.begin(), kPrefix.end(), text.begin());
  char* end = std::to_chars(digits, text.end(), number).ptr;
  size_ = static_cast<uint8_t>(end - text.begin());
  both_.reserve(size_ + client_tag.size());
  both_.append(text.begin(), end).append(client_tag);
}

const Aliases::Alias& Aliases::add(Bytes client_tag) {
  while (!open_.empty() && (open_.size() == kMax || tag_octets_ + client_tag.size() > kTagOctetsMax)) {
    close(open_.begin());
  }
  tag_octets_ += client_tag.size();
  return open_.emplace_back(++last_, client_tag);
}

const Aliases::Alias* Aliases::find(Bytes text) const {
  auto found = std::find_if(open_.begin(), open_.end(), [&](const Alias& alias) { return alias.text() == text; });
  return found == open_.end() ? nullptr : &*found;
}

void Aliases::answered(uint64_t number) {
  auto found = std::find_if(open_.begin(), open_.end(), [&](const Alias& alias) { return alias.number() == number; });
  if (found != open_.end()) close(found);
}

void Aliases::close(std::list<Alias>::iterator alias) {
  tag_octets_ -= alias->client_tag().size();
  spent_.splice(spent_.end(), open_, alias);
}

}  // namespace postigo::imap
