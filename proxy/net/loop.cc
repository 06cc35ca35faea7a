// The loop and its "later". Not here: TLS itself (tls.cc makes the BIO), sockets (socket.cc), work on other threads
// (offload.cc).
#include "proxy/net/loop.h"

#include <openssl/bio.h>

#include "proxy/net/tls.h"

namespace postigo {

Loop::Loop(std::function<void(uint64_t)> lag)
    : receive_(std::make_unique_for_overwrite<char[]>(kReceiveSize)),
      plain_(std::make_unique_for_overwrite<char[]>(kPlainSize)) {
  uv_loop_init(&uv_);
  uv_idle_init(&uv_, &idle_);
  idle_.data = this;
  timers_ = std::make_unique<TimerWheel>(&uv_, std::move(lag));
  bio_ = make_loop_bio(tls_io_);
}

Loop::~Loop() { BIO_free(bio_); }

void Loop::defer(std::function<void()> then) {
  deferred_.push_back(std::move(then));
  wake();
}

void Loop::wake() {
  if (uv_is_closing(reinterpret_cast<uv_handle_t*>(&idle_))) return;
  uv_idle_start(&idle_, [](uv_idle_t* handle) { static_cast<Loop*>(handle->data)->turn(); });
}

void Loop::turn() {
  uv_idle_stop(&idle_);
  auto dead = std::move(graveyard_);
  graveyard_.clear();
  auto deferred = std::move(deferred_);
  deferred_.clear();
  dead.clear();
  for (auto& then : deferred) then();
}

void Loop::stop() {
  timers_->close();
  uv_close(reinterpret_cast<uv_handle_t*>(&idle_), nullptr);
}

int Loop::close() {
  deferred_.clear();
  graveyard_.clear();
  return uv_loop_close(&uv_);
}

}  // namespace postigo
