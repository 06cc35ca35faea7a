// One thread's epoll loop and the buffers that its connections share. Edge-triggered: a descriptor costs one epoll_ctl
// in its life. Not libuv and not the proxy's loop on purpose: what is measured must not judge itself.
#pragma once

#include <openssl/base.h>
#include <sys/epoll.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace postigo::bench {

class Loop {
 public:
  class Handler {
   public:
    virtual void ready(uint32_t events) = 0;

   protected:
    ~Handler() = default;
  };

  static constexpr size_t kReceiveSize = 256 * 1024;
  static constexpr size_t kRecordMax = 16 * 1024;
  static constexpr size_t kPlainSize = kReceiveSize + kRecordMax;  // what one recv may decrypt to
  static constexpr uint32_t kStreamEvents = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // false: this descriptor cannot be waited for (a regular file, /dev/null).
  bool add(int fd, uint32_t events, Handler& handler);
  // After either the handler hears nothing more, not even of what the current turn already knows. Whoever closes the
  // descriptor anyhow needs no system call for it.
  void remove(int fd, Handler& handler);
  void forget(Handler& handler);
  // The handler hears EPOLLERR at the next turn.
  void defer(Handler& handler);
  // Waits for at most wait_ns (negative: without end) and tells whoever is ready.
  void turn(int64_t wait_ns);

  // Ciphertext that was received and BoringSSL has not taken yet, and ciphertext that it made. Both are empty again
  // when a connection's turn is over, hence one of each is enough.
  struct Cipher {
    const char* in = nullptr;
    size_t in_size = 0;
    std::vector<char> out;
  };
  Cipher& cipher() { return cipher_; }
  BIO* bio() { return bio_.get(); }
  char* receive_buffer() { return receive_.get(); }
  char* plain_buffer() { return plain_.get(); }

 private:
  int epoll_;
  std::array<epoll_event, 256> events_;
  int count_ = 0;
  std::vector<Handler*> deferred_, running_;
  std::unique_ptr<char[]> receive_, plain_;
  Cipher cipher_;
  bssl::UniquePtr<BIO> bio_;
};

int64_t now_ns();

}  // namespace postigo::bench
