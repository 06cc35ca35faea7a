// LoginMemory: what all sessions of a worker hold before they are logged in is bounded together (A12).
//
// A stranger may hold a whole command (parser/base/limits.h); thousands of them must not. Beyond the limit the holders
// go whose share has been the largest for the longest, until an eighth of it is free again. Confined to the loop's
// thread; holders take themselves out with hold(..., 0) before they go.
#pragma once

#include <cstddef>
#include <cstdint>

#include "parser/base/counter.h"
#include "proxy/base/list.h"
#include "proxy/net/loop.h"

namespace postigo {

struct HolderTag {};

class LoginMemory {
 public:
  class Holder : public ListNode<HolderTag> {
   public:
    // It is its turn to go: hold(..., 0) follows before this returns. Never called from inside hold().
    virtual void make_room() = 0;

   protected:
    ~Holder() = default;

   private:
    friend class LoginMemory;
    size_t octets_ = 0;
    uint64_t since_ms_ = 0;
  };

  // `gauge` shows what is held; it outlives this object, like the loop.
  LoginMemory(Loop& loop, Counter& gauge, size_t limit) : loop_(loop), gauge_(gauge), limit_(limit) {}

  void hold(Holder& holder, size_t octets);         // that much now, in all
  void set_limit(size_t limit) { limit_ = limit; }  // who is beyond it goes when anybody asks for more

 private:
  void make_room();

  Loop& loop_;
  Counter& gauge_;
  size_t limit_;
  size_t held_ = 0;
  bool asked_ = false;
  List<Holder, HolderTag> large_;  // those worth a look
};

}  // namespace postigo
