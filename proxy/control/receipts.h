// Receipts: whoever has sent something to every worker hears when all of them have got it.
//
// Control thread; nothing blocks. A worker that is busy for longer keeps nobody waiting.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>

#include "proxy/base/mailbox.h"
#include "proxy/net/loop.h"
#include "proxy/net/timer_wheel.h"
#include "proxy/worker.h"

namespace postigo {

class Receipts {
 public:
  static constexpr uint64_t kPatienceMs = 3'000;

  Receipts(Loop& loop, const Workers& workers);  // both outlive it
  // `then` later, once: every worker has got what it was sent before, or has ended, or that took too long.
  void await(std::shared_ptr<Mailbox> mailbox, std::function<void()> then);
  void close();  // nobody hears any more

 private:
  struct Awaited {
    uint64_t number = 0, deadline_ms = 0;
    std::function<void()> then;
  };
  void got(uint64_t number);
  void tick();

  Loop& loop_;
  const Workers& workers_;
  Timer timer_;
  std::list<Awaited> awaited_;  // in the order of their deadlines
  uint64_t numbers_ = 0;
};

}  // namespace postigo
