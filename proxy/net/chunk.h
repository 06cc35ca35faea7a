// Chunks: bytes that a slow peer has not taken yet, in pooled 16 KiB pieces. An idle socket holds none.
//
// Single thread; a queue returns its chunks to the pool that it was made with, which outlives it.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include "parser/base/bytes.h"

namespace postigo {

struct Chunk {
  static constexpr size_t kSize = 16 * 1024;
  std::unique_ptr<Chunk> next;
  size_t begin = 0;
  size_t end = 0;
  std::array<char, kSize> data;

  Bytes view() const { return {data.data() + begin, end - begin}; }
};

class ChunkPool {
 public:
  std::unique_ptr<Chunk> take();
  void give(std::unique_ptr<Chunk> chunk);
  size_t in_use() const { return in_use_; }

 private:
  static constexpr size_t kKept = 256;  // 4 MiB: enough for a burst, little enough to keep
  std::vector<std::unique_ptr<Chunk>> free_;
  size_t in_use_ = 0;
};

class ChunkQueue {
 public:
  explicit ChunkQueue(ChunkPool& pool) : pool_(pool) {}
  ~ChunkQueue() { consume(size_); }
  ChunkQueue(const ChunkQueue&) = delete;
  ChunkQueue& operator=(const ChunkQueue&) = delete;

  void append(Bytes bytes);
  void consume(size_t octets);  // REQUIRES: octets <= size()
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const Chunk* front() const { return head_.get(); }

 private:
  ChunkPool& pool_;
  std::unique_ptr<Chunk> head_;
  Chunk* tail_ = nullptr;
  size_t size_ = 0;
};

}  // namespace postigo
