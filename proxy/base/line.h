// Line: text that grows at its end, for the log: each session writes some forty fields, and std::string would look for
// room, and put a NUL, behind every blank between them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace postigo::log {

// Few octets, without a call: a few loads and stores, of which two may overlap. Returns where they end.
inline char* copy_short(char* to, std::string_view from) {
  const size_t size = from.size();
  auto ends = [&](auto word) {
    std::memcpy(&word, from.data(), sizeof(word));
    std::memcpy(to, &word, sizeof(word));
    std::memcpy(&word, from.data() + size - sizeof(word), sizeof(word));
    std::memcpy(to + size - sizeof(word), &word, sizeof(word));
  };
  if (size > 16) {
    std::memcpy(to, from.data(), size);
  } else if (size >= 8) {
    ends(uint64_t{});
  } else if (size >= 4) {
    ends(uint32_t{});
  } else if (size >= 2) {
    ends(uint16_t{});
  } else if (size == 1) {
    *to = from.front();
  }
  return to + size;
}

class Line {
 public:
  void put(char c) {
    *room(1) = c;
    ++size_;
  }
  void put(std::string_view text) { end_at(copy_short(room(text.size()), text)); }
  void put(char before, std::string_view text, char behind) {
    char* to = room(text.size() + 2);
    *to++ = before;
    to = copy_short(to, text);
    *to++ = behind;
    end_at(to);
  }
  // At the end, for so many octets; then end_at() tells where the text ends. Valid until the next call.
  char* room(size_t most) {
    if (capacity_ - size_ < most) grow(most);
    return octets_.get() + size_;
  }
  void end_at(const char* end) { size_ = static_cast<size_t>(end - octets_.get()); }
  void clear() { size_ = 0; }  // keeps its memory
  std::string_view view() const { return {octets_.get(), size_}; }

 private:
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
