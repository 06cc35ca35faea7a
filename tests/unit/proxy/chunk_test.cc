// Chunks: bytes come out as they went in, chunks go back to the pool, and no octet of one user is left for the next.
#include "proxy/net/chunk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace postigo {
namespace {

std::string pattern(size_t size) {
  std::string text(size, 0);
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i % 23);
  return text;
}

std::string content(const ChunkQueue& queue) {
  std::string all;
  for (const Chunk* chunk = queue.front(); chunk != nullptr; chunk = chunk->next.get()) all += chunk->view();
  return all;
}

TEST(ChunkQueue, AnEmptyOneHoldsNothing) {
  ChunkPool pool;
  ChunkQueue queue(pool);
  queue.append("");
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.front(), nullptr);
  EXPECT_EQ(pool.in_use(), 0u);
}

TEST(ChunkQueue, BytesComeOutAsTheyWentIn) {
  ChunkPool pool;
  ChunkQueue queue(pool);
  std::string sent = pattern(5 * Chunk::kSize + 17), got;
  size_t offset = 0, step = 1;
  while (offset < sent.size() || !queue.empty()) {
    if (offset < sent.size()) {
      size_t size = std::min(step * 7919 % 30'000, sent.size() - offset);
      queue.append(Bytes(sent).substr(offset, size));
      offset += size;
    }
    size_t taken = std::min(queue.size(), step * 104'729 % 20'000);
    std::string all = content(queue);
    ASSERT_EQ(all.size(), queue.size());
    got += all.substr(0, taken);
    queue.consume(taken);
    ++step;
  }
  EXPECT_TRUE(got == sent);
  EXPECT_EQ(pool.in_use(), 0u);
}

TEST(ChunkQueue, SmallPiecesShareAChunk) {
  ChunkPool pool;
  ChunkQueue queue(pool);
  for (int i = 0; i < 1000; ++i) queue.append("0123456789abcdef");
  EXPECT_EQ(pool.in_use(), 1u);
  queue.append(pattern(Chunk::kSize));
  EXPECT_EQ(pool.in_use(), 2u);
}

TEST(ChunkQueue, GivesItsChunksBackWhenItGoes) {
  ChunkPool pool;
  {
    ChunkQueue queue(pool);
    queue.append(pattern(100'000));
    EXPECT_EQ(pool.in_use(), 7u);
  }
  EXPECT_EQ(pool.in_use(), 0u);
}

TEST(ChunkPool, HandsOutWhatItWasGiven) {
  ChunkPool pool;
  std::unique_ptr<Chunk> chunk = pool.take();
  Chunk* address = chunk.get();
  chunk->begin = 3;
  chunk->end = 9;
  pool.give(std::move(chunk));
  chunk = pool.take();
  EXPECT_EQ(chunk.get(), address);
  EXPECT_EQ(chunk->begin, 0u);
  EXPECT_EQ(chunk->end, 0u);
  EXPECT_EQ(chunk->next, nullptr);
  pool.give(std::move(chunk));
}

// A16: no octet of a login is in a chunk that somebody else gets.
TEST(ChunkPool, A16_AChunkIsWipedBeforeItIsUsedAgain) {
  ChunkPool pool;
  const std::string canary = "a1 LOGIN alice canary-password\r\n";
  {
    ChunkQueue queue(pool);
    for (int i = 0; i < 2000; ++i) queue.append(canary);
    queue.consume(canary.size() * 700);
  }
  for (int i = 0; i < 8; ++i) {
    std::unique_ptr<Chunk> chunk = pool.take();
    // What nobody wrote to is not initialised; only the chunks that were in use can be looked at.
    if (i < 4) {
      EXPECT_EQ(std::count(chunk->data.begin(), chunk->data.begin() + 14'000, 0), 14'000);
    }
  }
}

}  // namespace
}  // namespace postigo
