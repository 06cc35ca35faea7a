// Loop: one libuv loop and what all sockets of a worker share: buffers, chunk pool, timer wheel, and "later".
//
// Confined to its worker's thread. Two promises make lifetimes simple:
//  - defer(): runs on the next turn, never from inside the call (no synchronous completion);
//  - bury(): frees an object on the next turn, when no frame on any stack can still hold it.
#pragma once

#include <uv.h>

#include <functional>
#include <memory>
#include <vector>

#include "proxy/net/chunk.h"
#include "proxy/net/timer_wheel.h"

typedef struct bio_st BIO;

namespace postigo {

// Where the shared BIO reads from and writes to: set around every call into BoringSSL, see tls.cc.
struct TlsIo {
  Bytes in;               // ciphertext that arrived and was not taken yet
  std::vector<char> out;  // ciphertext to send
};

class Loop {
 public:
  // One read of a busy connection: large enough that a bulk transfer costs few system calls (and several TLS records
  // per call), small enough to stay in the second-level cache.
  static constexpr size_t kReceiveSize = 256 * 1024;

  explicit Loop(std::function<void(uint64_t lag_ms)> lag);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  uv_loop_t* uv() { return &uv_; }
  TimerWheel& timers() { return *timers_; }
  ChunkPool& chunks() { return chunks_; }
  uint64_t now_ms() { return uv_now(&uv_); }

  void defer(std::function<void()> then);
  template <typename T>
  void bury(std::unique_ptr<T> dead) {
    if (dead == nullptr) return;
    graveyard_.push_back(std::shared_ptr<void>(std::move(dead)));
    wake();
  }

  void run() { uv_run(&uv_, UV_RUN_DEFAULT); }
  // Closes the loop's own handles; run() returns once every other handle is closed too.
  void stop();
  // 0, or UV_EBUSY when a handle leaked. Called once, after run().
  int close();

  // Shared buffers, valid only inside the call-back that filled them.
  char* receive_buffer() { return receive_.get(); }
  char* plain_buffer() { return plain_.get(); }
  static constexpr size_t kPlainSize = kReceiveSize + 32 * 1024;
  TlsIo& tls_io() { return tls_io_; }
  BIO* bio() { return bio_; }

 private:
  void wake();
  void turn();

  uv_loop_t uv_;
  uv_idle_t idle_;  // active while something is deferred: keeps the poll from blocking
  ChunkPool chunks_;
  std::unique_ptr<TimerWheel> timers_;
  std::unique_ptr<char[]> receive_, plain_;
  TlsIo tls_io_;
  BIO* bio_;
  std::vector<std::function<void()>> deferred_;
  std::vector<std::shared_ptr<void>> graveyard_;
};

}  // namespace postigo
