// Wiping and constant-time comparison. Not here: hashing (backends/directory/password.cc), secrets that stay as long as
// the process (config/kept_secret.cc), what is freed without being a Secret (proxy/wiped_heap.cc).
#include "parser/base/secret.h"

#include <array>
#include <cstring>
#include <utility>

namespace postigo {

void wipe(void* memory, size_t size) {
  if (size == 0) return;
  std::memset(memory, 0, size);
  asm volatile("" : : "r"(memory) : "memory");  // the compiler must believe that somebody reads it
}

__attribute__((noinline)) void wipe_stack() {
  std::array<char, 16 * 1024> below;
  wipe(below.data(), below.size());
}

void reserve_wiping(std::string& text, size_t more) {
  if (text.size() + more <= text.capacity()) return;
  std::string grown;
  grown.reserve((text.size() + more) * 2);
  grown = text;
  wipe(text.data(), text.size());
  text.swap(grown);
}

Secret::Secret(Secret&& other) noexcept
    : data_(std::move(other.data_)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

Secret& Secret::operator=(const Secret& other) {
  if (this != &other) {
    clear();
    append(other.reveal());
  }
  return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    clear();
    data_ = std::move(other.data_);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
  }
  return *this;
}

void Secret::append(Bytes bytes) {
  if (bytes.empty()) return;
  if (size_ + bytes.size() > capacity_) reserve((size_ + bytes.size()) * 2);
  std::memcpy(data_.get() + size_, bytes.data(), bytes.size());
  size_ += bytes.size();
}

void Secret::reserve(size_t size) {
  if (size <= capacity_) return;
  auto grown = std::make_unique_for_overwrite<char[]>(size);
  if (size_ != 0) std::memcpy(grown.get(), data_.get(), size_);
  wipe(data_.get(), capacity_);
  data_ = std::move(grown);
  capacity_ = size;
}

void Secret::clear() {
  wipe(data_.get(), capacity_);
  data_.reset();
  size_ = 0;
  capacity_ = 0;
}

bool Secret::equals(Bytes other) const {
  if (other.size() != size_) return false;
  unsigned difference = 0;
  for (size_t i = 0; i < size_; ++i) difference |= static_cast<unsigned char>(data_[i] ^ other[i]);
  return difference == 0;
}

}  // namespace postigo
