// Out: the bounded buffer that a dialogue writes its replies to.
//
// Ownership: the caller owns it, sends view() and clears it. Single thread. What it held is wiped: login commands for
// backends pass through here.
// A reply that does not fit sets overflowed() and is dropped whole: that is a bug (a fuzzer finds it), never growth.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>

#include "parser/base/bytes.h"
#include "parser/base/secret.h"

namespace postigo {

class Out {
 public:
  explicit Out(size_t limit_bytes = 64 * 1024) : limit_bytes_(limit_bytes) {}
  ~Out() { clear(); }
  Out(const Out&) = delete;
  Out& operator=(const Out&) = delete;

  // Appends all parts or none of them.
  void put(std::initializer_list<Bytes> parts) {
    size_t total = 0;
    for (Bytes part : parts) total += part.size();
    if (total > limit_bytes_ - buffer_.size()) {
      overflowed_ = true;
      return;
    }
    reserve_wiping(buffer_, total);
    for (Bytes part : parts) buffer_.append(part);
  }
  void put(Bytes bytes) { put({bytes}); }

  Bytes view() const { return buffer_; }  // valid until the next put() or clear()
  bool empty() const { return buffer_.empty(); }
  size_t size() const { return buffer_.size(); }
  bool overflowed() const { return overflowed_; }
  void clear() {
    wipe(buffer_.data(), buffer_.size());
    buffer_.clear();
  }

 private:
  std::string buffer_;
  size_t limit_bytes_;
  bool overflowed_ = false;
};

}  // namespace postigo
