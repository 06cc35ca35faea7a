// epoll, and the BIO that stands between BoringSSL and the loop's buffers: one recv fills them, one send empties them,
// whatever the number of records.
#include "bench/common/loop.h"

#include <errno.h>
#include <openssl/bio.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace postigo::bench {
namespace {

int bio_read(BIO* bio, char* to, int size) {
  auto* cipher = static_cast<Loop::Cipher*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (cipher->in_size == 0) {
    BIO_set_retry_read(bio);
    return -1;
  }
  size_t count = std::min(cipher->in_size, static_cast<size_t>(size));
  memcpy(to, cipher->in, count);
  cipher->in += count;
  cipher->in_size -= count;
  return static_cast<int>(count);
}

int bio_write(BIO* bio, const char* from, int size) {
  auto* cipher = static_cast<Loop::Cipher*>(BIO_get_data(bio));
  cipher->out.insert(cipher->out.end(), from, from + size);
  return size;
}

long bio_ctrl(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

const BIO_METHOD* bio_method() {
  static const BIO_METHOD* method = [] {
    BIO_METHOD* made = BIO_meth_new(0, "loop");
    BIO_meth_set_read(made, bio_read);
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_ctrl(made, bio_ctrl);
    return made;
  }();
  return method;
}

}  // namespace

Loop::Loop()
    : epoll_(epoll_create1(EPOLL_CLOEXEC)),
      receive_(std::make_unique<char[]>(kReceiveSize)),
      plain_(std::make_unique<char[]>(kPlainSize)),
      bio_(BIO_new(bio_method())) {
  BIO_set_data(bio_.get(), &cipher_);
  BIO_set_init(bio_.get(), 1);
  cipher_.out.reserve(kReceiveSize);
}

Loop::~Loop() { ::close(epoll_); }

bool Loop::add(int fd, uint32_t events, Handler& handler) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &handler;
  return epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0;
}

void Loop::remove(int fd, Handler& handler) {
  epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
  forget(handler);
}

void Loop::forget(Handler& handler) {
  for (int i = 0; i < count_; ++i) {
    if (events_[static_cast<size_t>(i)].data.ptr == &handler) events_[static_cast<size_t>(i)].data.ptr = nullptr;
  }
  std::replace(deferred_.begin(), deferred_.end(), &handler, static_cast<Handler*>(nullptr));
  std::replace(running_.begin(), running_.end(), &handler, static_cast<Handler*>(nullptr));
}

void Loop::defer(Handler& handler) { deferred_.push_back(&handler); }

void Loop::turn(int64_t wait_ns) {
  running_.swap(deferred_);
  for (size_t i = 0; i < running_.size(); ++i) {
    if (Handler* handler = running_[i]) handler->ready(EPOLLERR);
  }
  running_.clear();
  if (!deferred_.empty()) wait_ns = 0;
  timespec wait{wait_ns / 1'000'000'000, wait_ns % 1'000'000'000};
  count_ =
      epoll_pwait2(epoll_, events_.data(), static_cast<int>(events_.size()), wait_ns < 0 ? nullptr : &wait, nullptr);
  for (int i = 0; i < count_; ++i) {
    const epoll_event& event = events_[static_cast<size_t>(i)];
    if (event.data.ptr != nullptr) static_cast<Handler*>(event.data.ptr)->ready(event.events);
  }
  count_ = 0;
}

int64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

}  // namespace postigo::bench
