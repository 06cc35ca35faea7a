// Spares: connections of a directory whose client library blocks. A job takes one, or makes one, and gives it back if
// it is still good; so there are never more than threads that run such jobs. Any thread.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace postigo {

template <typename Connection>
class Spares {
 public:
  // Null: none is there, make one.
  std::unique_ptr<Connection> take() {
    std::lock_guard lock(mutex_);
    if (spares_.empty()) return nullptr;
    auto spare = std::move(spares_.back());
    spares_.pop_back();
    return spare;
  }
  void give(std::unique_ptr<Connection> connection) {
    std::lock_guard lock(mutex_);
    spares_.push_back(std::move(connection));
  }
  // After a failure the others are likely to be as dead; closed outside of the lock.
  void clear() {
    std::vector<std::unique_ptr<Connection>> gone;
    std::lock_guard lock(mutex_);
    gone.swap(spares_);
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> spares_;
};

}  // namespace postigo
