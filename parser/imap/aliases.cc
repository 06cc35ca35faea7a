// The table of aliases. A list, because views into its entries outlive what is added and removed beside them; it is
// empty in a session that waits for nothing.
#include "parser/imap/aliases.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace postigo::imap {

const Aliases::Alias& Aliases::add(Bytes client_tag) {
  while (!open_.empty() && (open_.size() == kMax || tag_octets_ + client_tag.size() > kTagOctetsMax)) {
    close(open_.begin());
  }
  tag_octets_ += client_tag.size();
  Alias& alias = open_.emplace_back();
  alias.number = ++last_;
  alias.client_tag = client_tag;
  char* digits = std::copy(kPrefix.begin(), kPrefix.end(), alias.buffer.data());
  char* end = std::to_chars(digits, alias.buffer.data() + kTextMax, alias.number).ptr;
  alias.size = static_cast<uint8_t>(end - alias.buffer.data());
  return alias;
}

const Aliases::Alias* Aliases::find(Bytes text) const {
  auto found = std::find_if(open_.begin(), open_.end(), [&](const Alias& alias) { return alias.text() == text; });
  return found == open_.end() ? nullptr : &*found;
}

void Aliases::answered(uint64_t number) {
  auto found = std::find_if(open_.begin(), open_.end(), [&](const Alias& alias) { return alias.number == number; });
  if (found != open_.end()) close(found);
}

void Aliases::close(std::list<Alias>::iterator alias) {
  tag_octets_ -= alias->client_tag.size();
  spent_.splice(spent_.end(), open_, alias);
}

}  // namespace postigo::imap
