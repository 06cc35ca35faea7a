// Ticket: a promise to call back, in the hands of whoever waits. Confined to the thread that it was made on.
#pragma once

#include <memory>
#include <utility>

namespace postigo {

// A pending call-back, owned by whoever waits. Destroying it cancels: the call-back never runs afterwards, and neither
// does offloaded work that has not begun (what has begun finishes there, and its result is dropped).
class Ticket {
 public:
  class Operation {
   public:
    virtual ~Operation() = default;
    virtual void cancel() = 0;  // idempotent; also legal after completion and from inside the call-back
  };

  Ticket() = default;
  explicit Ticket(std::shared_ptr<Operation> operation) : operation_(std::move(operation)) {}
  Ticket(Ticket&&) noexcept = default;
  Ticket& operator=(Ticket&& other) noexcept {
    if (this != &other) {
      cancel();
      operation_ = std::move(other.operation_);
    }
    return *this;
  }
  ~Ticket() { cancel(); }

  void cancel() {
    if (operation_) operation_->cancel();
    operation_.reset();
  }

 private:
  std::shared_ptr<Operation> operation_;
};

}  // namespace postigo
