// The bookkeeping between the directions; no octets here.
#include "parser/imap/exchange.h"

#include <utility>

namespace postigo::imap {

void Exchange::begin_command(uint64_t tag) {
  ++outstanding_;
  tag_ = tag;
  open_ = true;
  answered_ = false;
}

Exchange::Verdict Exchange::take_verdict() { return std::exchange(verdict_, Verdict::none); }

void Exchange::continuation() {
  switch (wait_) {
    case Wait::literal:
    case Wait::hidden_literal:
      verdict_ = Verdict::granted;
      break;
    case Wait::idle:
      idling_ = true;
      break;
    case Wait::compress:
    case Wait::none:
      return;  // nobody asked: it passes and changes nothing
  }
  wait_ = Wait::none;
}

void Exchange::tagged(uint64_t tag, bool ok) {
  if (wait_ == Wait::none) {
    if (outstanding_ > 0) --outstanding_;
    if (open_ && tag == tag_) answered_ = true;
    idling_ = false;
    return;
  }
  if (tag != tag_) {  // not what is waited for, whose own answer is still to come
    if (outstanding_ > 1) --outstanding_;
    return;
  }
  compressed_ = wait_ == Wait::compress && ok;
  refuse();
}

// A line that the backend could not read at all. RFC 9051 7.1.3 lets it mean something else, too; then the count is too
// low for a moment, which the tag makes up for.
void Exchange::untagged_bad() {
  if (wait_ != Wait::none) {
    refuse();
  } else if (outstanding_ > 0) {
    --outstanding_;
  }
}

void Exchange::refuse() {
  if (wait_ == Wait::literal || wait_ == Wait::hidden_literal) verdict_ = Verdict::refused;
  wait_ = Wait::none;
  if (outstanding_ > 0) --outstanding_;
  answered_ = open_;
}

}  // namespace postigo::imap
