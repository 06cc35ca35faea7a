// Input: bytes that a dialogue has not consumed yet. Wiped behind the reader: passwords pass through here (A16).
#pragma once

#include <cstring>
#include <string>

#include "parser/base/bytes.h"
#include "parser/base/copies.h"
#include "parser/base/secret.h"

namespace postigo {

class Input {
 public:
  ~Input() { consume(buffer_.size()); }

  void append(Bytes bytes) {
    if (buffer_.size() + bytes.size() > buffer_.capacity()) count_copy(Copy::input, buffer_.size());
    reserve_wiping(buffer_, bytes.size());
    count_copy(Copy::input, bytes.size());
    buffer_.append(bytes);
  }
  void consume(size_t octets) {
    size_t left = buffer_.size() - octets;
    count_copy(Copy::input, left);
    std::memmove(buffer_.data(), buffer_.data() + octets, left);
    wipe(buffer_.data() + left, octets);
    buffer_.resize(left);
  }
  Bytes view() const { return buffer_; }  // valid until the next append or consume
  size_t size() const { return buffer_.size(); }
  bool empty() const { return buffer_.empty(); }

 private:
  std::string buffer_;
};

}  // namespace postigo
