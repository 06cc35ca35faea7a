// The matcher for "{n}" and "{n+}" at the end of a line; one transition per octet.
#include "parser/framing/literal_tail.h"

#include "parser/base/ascii.h"

namespace postigo {

void LiteralTail::feed(Bytes octets) {
  // A pattern never spans more than kPatternMax octets, hence those before them cannot matter.
  if (octets.size() > kPatternMax) {
    reset();
    octets.remove_prefix(octets.size() - kPatternMax);
  }
  for (char c : octets) feed_one(c);
}

void LiteralTail::feed_one(char c) {
  if (c == '{') {
    reset();
    state_ = State::open;
    return;
  }
  bool in_number = state_ == State::open || state_ == State::number;
  if (in_number && is_digit(c) && digits_ < kPatternMax - 4) {
    state_ = State::number;
    if (++digits_ <= kDigitsMax) size_ = size_ * 10 + static_cast<uint64_t>(c - '0');
  } else if (state_ == State::number && c == '+') {
    state_ = State::plus;
    plus_ = true;
  } else if ((state_ == State::number || state_ == State::plus) && c == '}') {
    state_ = State::close;
  } else if (state_ == State::close && c == '\r') {
    state_ = State::close_cr;
  } else {
    reset();
  }
}

}  // namespace postigo
