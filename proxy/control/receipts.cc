// A letter to each worker behind what it was sent; the last one that is read, or dropped with its worker, tells. Not
// here: what was sent (exchange.cc).
#include "proxy/control/receipts.h"

#include <algorithm>
#include <utility>

namespace postigo {

Receipts::Receipts(Loop& loop, const Workers& workers)
    : loop_(loop), workers_(workers), timer_([](void* self) { static_cast<Receipts*>(self)->tick(); }, this) {}

void Receipts::await(std::shared_ptr<Mailbox> mailbox, std::function<void()> then) {
  const uint64_t number = ++numbers_;
  awaited_.push_back({number, loop_.now_ms() + kPatienceMs, std::move(then)});
  if (awaited_.size() == 1) loop_.timers().arm(timer_, kPatienceMs);
  auto tell = [this, mailbox = std::move(mailbox), number](void*) { mailbox->post([this, number] { got(number); }); };
  std::shared_ptr<void> held(this, std::move(tell));
  for (const auto& worker : workers_) worker->ask([held] {});
}

void Receipts::got(uint64_t number) {
  auto found =
      std::find_if(awaited_.begin(), awaited_.end(), [number](const Awaited& each) { return each.number == number; });
  if (found == awaited_.end()) return;  // it took too long
  auto then = std::move(found->then);
  awaited_.erase(found);
  if (awaited_.empty()) timer_.cancel();
  then();
}

void Receipts::tick() {
  while (!awaited_.empty() && awaited_.front().deadline_ms <= loop_.now_ms()) got(awaited_.front().number);
  if (!awaited_.empty()) loop_.timers().arm(timer_, awaited_.front().deadline_ms - loop_.now_ms());
}

void Receipts::close() {
  timer_.cancel();
  awaited_.clear();
}

}  // namespace postigo
