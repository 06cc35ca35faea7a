// Secret: octets that must not be seen: passwords, SASL responses, keys.
//
// Wiped on destruction, assignment and clear(). It has no stream operator and no implicit conversion, so that it cannot
// reach a log line by accident; reveal() is the one door, easy to grep for. Comparison takes the same time wherever the
// difference lies. Storage never moves by growth: append() wipes the block that it leaves.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "parser/base/bytes.h"

namespace postigo {

// Overwrites memory in a way that the optimiser may not remove.
void wipe(void* memory, size_t size);

// Overwrites what earlier calls have left on this thread's stack below the caller's frame (16 KiB of it): spilled
// registers, short strings, what libraries put there.
void wipe_stack();

// Makes room for `more` octets behind `text`, so that an append does not move it; wipes the block that it leaves.
void reserve_wiping(std::string& text, size_t more);

class Secret {
 public:
  Secret() = default;
  explicit Secret(Bytes bytes) { append(bytes); }
  Secret(const Secret& other) { append(other.reveal()); }
  Secret(Secret&& other) noexcept;
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret() { clear(); }

  void append(Bytes bytes);
  void reserve(size_t size);  // for all of it
  void clear();

  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  Bytes reveal() const { return {data_.get(), size_}; }  // valid until the next append, assignment or clear

  // Constant time in the content (not in the length).
  bool equals(Bytes other) const;

 private:
  std::unique_ptr<char[]> data_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace postigo
