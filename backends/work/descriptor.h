// Descriptor: a file descriptor with an owner, closed when it goes.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <utility>

namespace postigo {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (fd_ >= 0) close(fd_);
    fd_ = other.release();
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }

  int get() const { return fd_; }
  Descriptor copy() const { return Descriptor(fcntl(fd_, F_DUPFD_CLOEXEC, 0)); }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

}  // namespace postigo
