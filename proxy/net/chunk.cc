// The pool and the queue. Not here: when to queue and when to pause, which socket_write.cc and session/relay.cc decide.
#include "proxy/net/chunk.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "parser/base/copies.h"
#include "parser/base/secret.h"

namespace postigo {

std::unique_ptr<Chunk> ChunkPool::take() {
  ++in_use_;
  if (free_.empty()) return std::make_unique_for_overwrite<Chunk>();
  std::unique_ptr<Chunk> chunk = std::move(free_.back());
  free_.pop_back();
  chunk->begin = chunk->end = 0;
  return chunk;
}

void ChunkPool::give(std::unique_ptr<Chunk> chunk) {
  --in_use_;
  wipe(chunk->data.data(), chunk->end);  // it may have held a login of somebody else (A16)
  if (free_.size() < kKept) free_.push_back(std::move(chunk));
}

void ChunkQueue::append(Bytes bytes) {
  size_ += bytes.size();
  count_copy(Copy::queue, bytes.size());
  while (!bytes.empty()) {
    if (tail_ == nullptr || tail_->end == Chunk::kSize) {
      std::unique_ptr<Chunk> chunk = pool_.take();
      chunk->begin = chunk->end = 0;
      Chunk* added = chunk.get();
      (tail_ != nullptr ? tail_->next : head_) = std::move(chunk);
      tail_ = added;
    }
    size_t room = std::min(bytes.size(), Chunk::kSize - tail_->end);
    std::memcpy(tail_->data.data() + tail_->end, bytes.data(), room);
    tail_->end += room;
    bytes.remove_prefix(room);
  }
}

void ChunkQueue::consume(size_t octets) {
  assert(octets <= size_);
  size_ -= octets;
  while (octets > 0) {
    size_t step = std::min(octets, head_->end - head_->begin);
    head_->begin += step;
    octets -= step;
    if (head_->begin < head_->end) break;
    std::unique_ptr<Chunk> done = std::move(head_);
    head_ = std::move(done->next);
    if (!head_) tail_ = nullptr;
    pool_.give(std::move(done));
  }
}

}  // namespace postigo
