// Mailbox: the only door between threads. Any thread posts; the loop's thread runs the letters, in order.
//
// Lifetime: the owner closes it on the loop's thread; post() after close() returns false and drops the letter.
#pragma once

#include <uv.h>

#include <functional>
#include <mutex>
#include <vector>

namespace postigo {

class Mailbox {
 public:
  using Letter = std::function<void()>;

  explicit Mailbox(uv_loop_t* loop);
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  bool post(Letter letter);
  // Drops what has not run. The memory must outlive the loop's next turn (uv_close).
  void close();

 private:
  void run();

  uv_async_t async_;
  std::mutex mutex_;
  std::vector<Letter> letters_;
  bool closed_ = false;
};

}  // namespace postigo
