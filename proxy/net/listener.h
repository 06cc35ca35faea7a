// Listener: a listening TCP socket of one worker, with SO_REUSEPORT: the kernel spreads connections over the workers.
//
// Its owner gets each accepted connection as a descriptor with the peer's address: one in a quiet turn, more in turns
// that follow each other, a few at most, so that neither a storm of new connections starves the sessions that are there
// nor the sessions those who knock (A39). Confined to the loop's thread but for bind(), and open(),
// which may be called before the loop runs. Letting go: Listener::Ptr, as with sockets.
#pragma once

#include <memory>
#include <string>

#include "parser/base/result.h"
#include "proxy/net/address.h"
#include "proxy/net/loop.h"

namespace postigo {

class Listener final : public Watched {
 public:
  class Owner {
   public:
    // `fd` is the owner's now: connected, non-blocking, with TCP_NODELAY and keep-alive.
    virtual void on_accepted(Listener& listener, int fd, const Address& peer) = 0;

   protected:
    ~Owner() = default;
  };
  struct Closer {
    void operator()(Listener* listener) const;
  };
  using Ptr = std::unique_ptr<Listener, Closer>;

  // A listening descriptor for adopt(). Any thread. `exclusive`: fail if anybody listens there already, even one who
  // would share. The error is one line.
  static Result<int> bind(const Address& address, bool exclusive);
  // The descriptor is the listener's now, also if it fails.
  static Result<Ptr> adopt(Loop& loop, int fd, Owner& owner);
  static Result<Ptr> open(Loop& loop, const Address& address, bool exclusive, Owner& owner);  // both

  // Accepts all who have knocked so far: before it is let go of, which would reset them.
  void drain();

  // Tries to bind, as open() would if nobody listens there, and lets go again. 0, or -errno.
  static int probe(const Address& address);

  Address address() const;  // with the port that the kernel chose for port 0

 private:
  Listener(Loop& loop, int fd, Owner& owner);
  void ready(uint32_t events) override;
  bool accept_one();
  void rest(const char* why);
  void wake_up();

  Loop& loop_;
  Owner* owner_;
  int fd_;
  unsigned burst_ = 1;      // how many may be accepted in this turn
  uint64_t last_turn_ = 0;  // when some were; 0: never
  Timer rest_;              // after the process has run out of descriptors
};

}  // namespace postigo
