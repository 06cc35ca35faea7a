// Signals: what the process is told from outside. Nobody but the control thread takes them.
#pragma once

#include <csignal>
#include <functional>

#include "proxy/net/loop.h"

namespace postigo {

class Signals final : public Watched {
 public:
  // Blocks them in this thread and in all that it starts from now on; SIGPIPE is ignored.
  Signals();
  ~Signals() override;

  // `on_signal` is called on the loop's thread, one at a time, with the number.
  void watch(Loop& loop, std::function<void(int)> on_signal);
  void unwatch();  // nothing is told any more

  static const char* name_of(int signal);

 private:
  void ready(uint32_t events) override;

  int fd_;
  Loop* loop_ = nullptr;
  std::function<void(int)> on_signal_;
};

}  // namespace postigo
