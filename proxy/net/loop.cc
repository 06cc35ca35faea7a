// The turn: descriptors, then libuv, then "later", then bulk as far as its octets reach, then the dead. Why not libuv's
// own streams: they cost a system call for each change of interest (seven for one login), 250 octets per connection,
// and tell an accepted peer's address only on request; a login is mostly system calls. Not here: TLS itself (tls.cc
// makes the BIO), what a connection is (socket.cc), work on other threads (offload.cc).
#include "proxy/net/loop.h"

#include <openssl/bio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "proxy/net/tls.h"

namespace postigo {
namespace {

// Few enough that a burst of work does not hold up "later" and the timers.
constexpr size_t kEventsPerTurn = 64;

}  // namespace

Loop::Loop(std::function<void(uint64_t)> lag)
    : epoll_(epoll_create1(EPOLL_CLOEXEC)),
      receive_(std::make_unique_for_overwrite<char[]>(kReceiveSize)),
      plain_(std::make_unique_for_overwrite<char[]>(kPlainSize)) {
  if (epoll_ < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
  uv_loop_init(&uv_);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;  // means libuv
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, uv_backend_fd(&uv_), &event) != 0) {
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  }
  timers_ = std::make_unique<TimerWheel>(&uv_, std::move(lag));
  bio_ = make_loop_bio(tls_io_);
}

Loop::~Loop() {
  ::close(epoll_);
  BIO_free(bio_);
}

int Loop::watch(int fd, Watched& who, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &who;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) return -errno;
  ++watched_;
  return 0;
}

void Loop::watch_again(int fd, Watched& who, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &who;
  epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event);  // cannot fail for a descriptor that is being watched
}

void Loop::close_watched(int fd) {
  unwatch(fd);
  ::close(fd);
}

void Loop::unwatch(int fd) {
  epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
  --watched_;
}

void Loop::run() {
  while (uv_touched_ || pending() || uv_loop_alive(&uv_)) turn(true);
}

void Loop::turn(bool wait) {
  ++turn_;
  moved_ = 0;
  handshakes_.begin_turn();
  std::array<epoll_event, kEventsPerTurn> events;
  int timeout_ms = !wait || uv_touched_ || pending() ? 0 : uv_backend_timeout(&uv_);
  int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), timeout_ms);
  uv_update_time(&uv_);
  bool uv_ready = uv_touched_;
  for (int i = 0; i < count; ++i) {
    auto* who = static_cast<Watched*>(events[static_cast<size_t>(i)].data.ptr);
    if (who != nullptr) {
      who->ready(events[static_cast<size_t>(i)].events);
    } else {
      uv_ready = true;
    }
  }
  if (uv_ready || uv_backend_timeout(&uv_) == 0) run_uv();
  run_later();
  free_dead();
}

void Loop::run_uv() {
  uv_touched_ = false;
  uv_run(&uv_, UV_RUN_NOWAIT);
}

// What is asked for meanwhile waits for the next turn.
void Loop::run_later() {
  List<Watched, SoonTag> soon;
  soon.take(soon_);
  while (!soon.empty()) soon.pop_front().resume();
  for (bool first = true; !turns_.empty() && (first || moved_ < kOctetsPerTurn); first = false) {
    turns_.pop_front().in_turn();
  }
  handshakes_.serve([](Watched& who) { who.in_turn(); });
  running_.swap(deferred_);
  for (auto& then : running_) then();
  running_.clear();
}

void Loop::free_dead() {
  freeing_.swap(graveyard_);
  for (const Dead& dead : freeing_) dead.free(dead.object);
  freeing_.clear();
}

void Loop::stop() {
  timers_->close();
  uv_touched_ = true;
}

int Loop::close() {
  deferred_.clear();
  while (!graveyard_.empty()) free_dead();
  int result = uv_loop_close(&uv_);
  return watched_ == 0 ? result : UV_EBUSY;
}

}  // namespace postigo
