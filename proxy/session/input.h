// Input: bytes that a dialogue has not consumed yet. Wiped behind the reader: passwords pass through here (A16).
//
// It costs what it holds, and a few hundred octets at most beyond that: strangers fill it (A12).
#pragma once

#include <cstring>
#include <string>

#include "parser/base/bytes.h"
#include "parser/base/copies.h"
#include "parser/base/secret.h"

namespace postigo {

class Input {
 public:
  Input() = default;
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;
  ~Input() { wipe(buffer_.data(), buffer_.size()); }

  void append(Bytes bytes) {
    size_t needed = buffer_.size() + bytes.size();
    if (needed > buffer_.capacity()) move_to(capacity_for(needed));
    count_copy(Copy::input, bytes.size());
    buffer_.append(bytes);
  }
  void consume(size_t octets) {
    size_t left = buffer_.size() - octets;
    count_copy(Copy::input, left);
    std::memmove(buffer_.data(), buffer_.data() + octets, left);
    wipe(buffer_.data() + left, octets);
    buffer_.resize(left);
    if (buffer_.capacity() > 2 * kLargeStep && left < buffer_.capacity() / 4) move_to(capacity_for(left));
  }
  Bytes view() const { return buffer_; }  // valid until the next append or consume
  size_t size() const { return buffer_.size(); }
  bool empty() const { return buffer_.empty(); }
  size_t cost() const { return buffer_.capacity(); }

 private:
  static constexpr size_t kSmallStep = 512, kLargeStep = 4096;

  // In steps, so that what arrives octet by octet is not copied for each of them. One octet less: std::string adds it.
  static size_t capacity_for(size_t octets) {
    size_t step = octets < kLargeStep ? kSmallStep : kLargeStep;
    return (octets / step + 1) * step - 1;
  }
  void move_to(size_t capacity) {  // by hand: std::string would not wipe
    count_copy(Copy::input, buffer_.size());
    std::string other;
    other.reserve(capacity);
    other.append(buffer_);
    wipe(buffer_.data(), buffer_.size());
    buffer_.swap(other);
  }

  std::string buffer_;
};

}  // namespace postigo
