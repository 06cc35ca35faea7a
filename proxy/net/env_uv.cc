// Tickets over the loop. Each pending operation is shared by its Ticket and by whatever will complete it; cancelling
// empties the call-back, so that a late completion finds nothing to do.
#include "proxy/net/env_uv.h"

#include <openssl/rand.h>

#include <ctime>

namespace postigo {
namespace {

struct Deferred : Ticket::Operation {
  std::function<void()> then;
  void cancel() override { then = nullptr; }
  void complete() {
    if (auto call = std::exchange(then, nullptr)) call();
  }
};

struct Delayed : Deferred {
  Timer timer{[](void* delayed) { static_cast<Delayed*>(delayed)->complete_once(); }, this};
  std::shared_ptr<Delayed> self;  // alive while armed
  void complete_once() {
    auto keep = std::move(self);
    complete();
  }
  void cancel() override {
    Deferred::cancel();
    timer.cancel();
    auto keep = std::move(self);
  }
};

// Work on another thread. Withdrawn with its ticket if it has not begun.
struct Offloaded : Deferred {
  explicit Offloaded(std::shared_ptr<Offload> threads) : pool(std::move(threads)) {}
  std::shared_ptr<Offload> pool;
  Offload::Job job;
  void cancel() override {
    Deferred::cancel();
    if (auto mine = std::exchange(job, nullptr)) pool->withdraw(mine);
  }
};

}  // namespace

uint64_t EnvUv::unix_time_s() const { return static_cast<uint64_t>(std::time(nullptr)); }

void EnvUv::random(std::span<unsigned char> to) { RAND_bytes(to.data(), to.size()); }

Ticket EnvUv::defer(std::function<void()> then) {
  auto operation = std::make_shared<Deferred>();
  operation->then = std::move(then);
  loop_.defer([operation] { operation->complete(); });
  return Ticket(operation);
}

Ticket EnvUv::after(uint64_t delay_ms, std::function<void()> then) {
  auto operation = std::make_shared<Delayed>();
  operation->then = std::move(then);
  operation->self = operation;
  loop_.timers().arm(operation->timer, delay_ms);
  return Ticket(operation);
}

Result<Ticket> EnvUv::offload(Pool pool, Turn turn, std::function<void()> work, std::function<void()> done) {
  // Those of the process outlive this.
  Offload& threads = pool == Pool::lookup ? lookups_ : passwords_;
  return offload(std::shared_ptr<Offload>(std::shared_ptr<void>(), &threads), turn, std::move(work), std::move(done));
}

Result<Ticket> EnvUv::offload(const std::shared_ptr<Offload>& threads, Turn turn, std::function<void()> work,
                              std::function<void()> done) {
  auto operation = std::make_shared<Offloaded>(threads);
  operation->then = std::move(done);
  // The operation travels to the pool and back inside the letter, so that its call-back (which belongs to this thread)
  // is never destroyed on the other one; a closed mailbox is the end of this thread.
  auto job = [mailbox = mailbox_, operation, work = std::move(work)]() mutable {
    work();
    work = nullptr;
    mailbox->post([operation = std::move(operation)] { operation->complete(); });
  };
  operation->job = threads->submit(std::move(job), turn);
  if (operation->job == nullptr) return fail("overloaded: too many look-ups are waiting");
  return Ticket(operation);
}

Ticket EnvUv::fetch(HttpRequest request, std::function<void(HttpAnswer)> then) {
  return http_.fetch(std::move(request), std::move(then));
}

}  // namespace postigo
