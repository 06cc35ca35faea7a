// Ear: a descriptor that is watched until it goes.
//
// Confined to its loop. Whoever drops it from inside its own call buries it.
#pragma once

#include <sys/epoll.h>

#include <functional>
#include <utility>

#include "backends/work/descriptor.h"
#include "proxy/net/loop.h"

namespace postigo {

class Ear final : public Watched {
 public:
  Ear(Loop& loop, Descriptor fd, std::function<void()> heard)
      : loop_(loop), fd_(std::move(fd)), heard_(std::move(heard)) {
    loop_.watch(fd_.get(), *this, EPOLLIN | EPOLLRDHUP);
  }
  ~Ear() override { leave(); }
  void leave() {
    if (!std::exchange(gone_, true)) loop_.unwatch(fd_.get());
  }
  int fd() const { return fd_.get(); }

 private:
  void ready(uint32_t) override {
    if (!gone_) heard_();  // an event of the same turn may still come
  }

  Loop& loop_;
  Descriptor fd_;
  std::function<void()> heard_;
  bool gone_ = false;
};

}  // namespace postigo
