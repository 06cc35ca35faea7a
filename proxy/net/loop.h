// Loop: the reactor of one worker, and what all its sockets share: buffers, chunk pool, timer wheel, and "later".
//
// Connections are watched here, edge-triggered, with one registration for their whole life; libuv's loop (timers,
// mailbox, resolver) is one more descriptor among them. Confined to its worker's thread. Three promises make lifetimes
// simple:
//  - soon() and defer(): run on this or the next turn, never from inside the call (no synchronous completion);
//  - bury(): frees an object at the end of the turn, when no frame on any stack can still hold it;
//  - a Watched that has closed its descriptor hears nothing any more, and may be buried.
#pragma once

#include <uv.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "proxy/base/list.h"
#include "proxy/net/chunk.h"
#include "proxy/net/handshake_line.h"
#include "proxy/net/timer_wheel.h"

typedef struct bio_st BIO;

namespace postigo {

// Where the shared BIO reads from and writes to: set around every call into BoringSSL, see tls.cc.
struct TlsIo {
  Bytes in;               // ciphertext that arrived and was not taken yet
  std::vector<char> out;  // ciphertext to send
};

struct SoonTag {};

// What has a descriptor in the loop. Freed only through Loop::bury, because the turn may hold a pointer to it.
class Watched : public ListNode<SoonTag> {
 public:
  virtual void ready(uint32_t events) = 0;  // EPOLL... bits; edges: each change is told once
  virtual void resume() {}                  // asked for with Loop::soon()
  virtual void in_turn() {}                 // asked for with Loop::take_turn(), may_shake_hands()
  virtual ~Watched() = default;
};

class Loop {
 public:
  // One read of a busy connection: large enough that a bulk transfer costs few system calls (and several TLS records
  // per call), small enough to stay in the second-level cache.
  static constexpr size_t kReceiveSize = 256 * 1024;
  // What all bulk transfers together may move in one turn, up to one read beyond it (A39): new connections, timers and
  // small sessions wait for a turn, and that is a fraction of a millisecond then.
  static constexpr size_t kOctetsPerTurn = 256 * 1024;

  explicit Loop(std::function<void(uint64_t lag_ms)> lag);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // For whoever makes a handle of libuv's: it takes effect on the next turn.
  uv_loop_t* uv() {
    uv_touched_ = true;
    return &uv_;
  }
  TimerWheel& timers() { return *timers_; }
  ChunkPool& chunks() { return chunks_; }
  uint64_t now_ms() const { return uv_now(&uv_); }

  // `events`: EPOLLIN and so on, with EPOLLET or without. 0 or -errno.
  int watch(int fd, Watched& who, uint32_t events);
  void watch_again(int fd, Watched& who, uint32_t events);  // tells at once what is already true
  // Forgets the registration, which close() alone does not if somebody (a child before its exec) has a copy, and
  // closes.
  void close_watched(int fd);
  void unwatch(int fd);  // for whoever closes it by himself, before he does

  void soon(Watched& who) { soon_.push_back(who); }
  // For work that is large: first come, first served, as far as the turn's octets reach. What is in the queue (or was
  // asked for soon) keeps its place.
  void take_turn(Watched& who) {
    if (!who.linked()) turns_.push_back(who);
  }
  // Whether it is this one's turn to do what a handshake costs; if not, in_turn() is called when it is.
  bool may_shake_hands(Watched& who, uint32_t network) { return handshakes_.may_go(who, network); }
  void moved(size_t octets) { moved_ += octets; }
  uint64_t turns() const { return turn_; }  // so far
  void defer(std::function<void()> then) { deferred_.push_back(std::move(then)); }
  template <typename T>
  void bury(std::unique_ptr<T> dead) {
    if (dead == nullptr) return;
    graveyard_.push_back({dead.release(), [](void* object) { delete static_cast<T*>(object); }});
  }

  void run();            // until every handle and descriptor is closed
  void turn(bool wait);  // one turn; without `wait` it does not sleep
  // Closes the loop's own handles; run() returns once every other handle is closed too.
  void stop();
  // 0, or UV_EBUSY when a handle or a descriptor leaked. Called once, after run().
  int close();

  // Shared buffers, valid only inside the call-back that filled them.
  char* receive_buffer() { return receive_.get(); }
  char* plain_buffer() { return plain_.get(); }
  static constexpr size_t kPlainSize = kReceiveSize + 32 * 1024;
  TlsIo& tls_io() { return tls_io_; }
  BIO* bio() { return bio_; }

 private:
  struct Dead {
    void* object;
    void (*free)(void*);
  };
  bool pending() const {
    return !soon_.empty() || !turns_.empty() || !handshakes_.empty() || !deferred_.empty() || !graveyard_.empty();
  }
  void run_uv();
  void run_later();
  void free_dead();

  uv_loop_t uv_;
  int epoll_;
  size_t watched_ = 0;
  bool uv_touched_ = true;
  ChunkPool chunks_;
  std::unique_ptr<TimerWheel> timers_;
  std::unique_ptr<char[]> receive_, plain_;
  TlsIo tls_io_;
  BIO* bio_;
  List<Watched, SoonTag> soon_, turns_;
  HandshakeLine<Watched, SoonTag> handshakes_;
  uint64_t turn_ = 0;
  size_t moved_ = 0;  // in this turn
  std::vector<std::function<void()>> deferred_, running_;
  std::vector<Dead> graveyard_, freeing_;
};

}  // namespace postigo
