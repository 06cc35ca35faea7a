// Line: text that grows at its end, for the log: each session writes some forty fields, and std::string would look for
// room, and put a NUL, behind every blank between them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace postigo::log {

class Line {
 public:
  void put(char c) {
    *room(1) = c;
    ++size_;
  }
  void put(std::string_view text) {
    if (text.empty()) return;
    std::memcpy(room(text.size()), text.data(), text.size());
    size_ += text.size();
  }
  void clear() { size_ = 0; }  // keeps its memory
  std::string_view view() const { return {octets_.get(), size_}; }

 private:
  char* room(size_t more) {
    if (capacity_ - size_ < more) grow(more);
    return octets_.get() + size_;
  }
  void grow(size_t more) {
    constexpr size_t kLeast = 512;
    size_t capacity = std::max(kLeast, 2 * (size_ + more));
    auto grown = std::make_unique_for_overwrite<char[]>(capacity);
    if (size_ != 0) std::memcpy(grown.get(), octets_.get(), size_);
    octets_ = std::move(grown);
    capacity_ = capacity;
  }

  std::unique_ptr<char[]> octets_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace postigo::log
