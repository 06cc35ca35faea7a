// ShortText: a few octets of text in place, for what every session holds: no allocation, and no room for more.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>

namespace postigo {

template <size_t N>
class ShortText {
 public:
  static_assert(N <= UINT8_MAX);
  ShortText() = default;
  // What is beyond N octets is cut off.
  ShortText(std::string_view text) : size_(static_cast<uint8_t>(std::min(N, text.size()))) {
    std::copy_n(text.begin(), size_, text_.begin());
  }
  ShortText(const char* text) : ShortText(std::string_view(text)) {}

  operator std::string_view() const { return view(); }
  std::string_view view() const { return {text_.data(), size_}; }
  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  bool operator==(std::string_view text) const { return view() == text; }
  friend std::ostream& operator<<(std::ostream& to, const ShortText& text) { return to << text.view(); }

 private:
  std::array<char, N> text_{};
  uint8_t size_ = 0;
};

}  // namespace postigo
