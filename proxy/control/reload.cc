// One thread, one thing at a time. Not here: what a proposal is (proposal.cc), what becomes of it (exchange.cc).
#include "proxy/control/reload.h"

#include <utility>

#include "proxy/base/file_stamp.h"

namespace postigo {

Reloader::Reloader(Loop& loop, std::shared_ptr<Mailbox> mailbox, Lasting& lasting, Now now, Then then)
    : loop_(loop),
      mailbox_(std::move(mailbox)),
      lasting_(lasting),
      now_(std::move(now)),
      then_(std::move(then)),
      look_([](void* self) { static_cast<Reloader*>(self)->look(); }, this) {}

void Reloader::stop() {
  stopped_ = true;
  waiting_.clear();
  look_.cancel();
}

void Reloader::in_turn(std::function<void()> begin) {
  if (stopped_) return;
  if (busy_) return waiting_.push_back(std::move(begin));
  busy_ = true;
  begin();
}

void Reloader::work(std::function<void()> work, std::function<void()> then) {
  thread_.submit([this, work = std::move(work), then = std::move(then)] {
    work();
    mailbox_->post([this, then] {
      if (stopped_) return;
      then();
      over();
    });
  });
}

void Reloader::over() {
  busy_ = false;
  if (waiting_.empty()) return;
  auto next = std::move(waiting_.front());
  waiting_.pop_front();
  in_turn(std::move(next));
}

// Each order reads the file again: it may have changed since the one before it began.
void Reloader::ask(Order order) {
  if (waiting_.size() >= kWaitingMax) {
    if (order.then) order.then({.refusal = "too many wait already"});
    return;
  }
  in_turn([this, order = std::move(order)] {
    auto proposal = std::make_shared<Proposal>();
    auto stamp = std::make_shared<std::string>();
    work(
        [this, proposal, stamp, from = now_()] {
          *stamp = file_stamp(from.file);  // before: what changes meanwhile is read again
          *proposal = propose(from, lasting_);
        },
        [this, proposal, stamp, order] {
          known_.file_read = *stamp;
          then_(*proposal, order);
        });
  });
}

void Reloader::renew(Order order) {
  if (std::exchange(renew_waits_, true)) return;
  in_turn([this, order = std::move(order)] {
    renew_waits_ = false;
    auto proposal = std::make_shared<Proposal>();
    work([this, proposal, from = now_()] { *proposal = propose_again(from, lasting_); },
         [this, proposal, order] { then_(*proposal, order); });
  });
}

void Reloader::compare(std::function<void(const Proposal&)> then) {
  in_turn([this, then = std::move(then)] {
    auto proposal = std::make_shared<Proposal>();
    work([this, proposal, from = now_()] { *proposal = propose(from, lasting_); },
         [proposal, then] { then(*proposal); });
  });
}

void Reloader::chore(std::function<void()> blocking, std::function<void()> then) {
  in_turn([this, blocking = std::move(blocking), then = std::move(then)] { work(blocking, then); });
}

void Reloader::watch_files() {
  Running now = now_();
  known_.seen = now.snapshot->certificates_stamp;
  known_.file_read = file_stamp(now.file);
  next_look();
}

void Reloader::next_look() { loop_.timers().arm(look_, kLookMs); }

void Reloader::look() {
  next_look();
  Running from = now_();
  bool something = from.snapshot->certificates != nullptr || from.config.live.watch;
  if (busy_ || !something) return;
  in_turn([this, from = std::move(from)] {
    auto look = std::make_shared<Look>();
    work([this, look, from, known = known_] { examine(from, lasting_, known, *look); },
         [this, look] { looked(*look); });
  });
}

// A pair is two files, and nobody exchanges two files at once; nor is a file written at once. So what has just changed
// waits for the next look.
void Reloader::examine(const Running& from, Lasting& lasting, const Stamps& known, Look& look) {
  if (from.config.live.watch) {
    look.file = file_stamp(from.file);
    look.changed = look.file != "-" && look.file != known.file_read && look.file == known.file_seen;
  }
  if (from.snapshot->certificates == nullptr) return;
  look.stamp = Snapshot::stamp_of(from.snapshot->certificate_files());
  bool fresh = look.stamp != from.snapshot->certificates_stamp && look.stamp != known.refused;
  if (look.changed || !fresh || look.stamp != known.seen) return;
  look.proposal = std::make_unique<Proposal>(propose_again(from, lasting));
}

void Reloader::looked(Look& look) {
  known_.seen = look.stamp;
  known_.file_seen = look.file;
  if (look.changed) return ask({.cause = "watch"});  // with its certificates
  if (look.proposal == nullptr) return;
  known_.refused = look.proposal->snapshot == nullptr ? look.stamp : "";
  then_(*look.proposal, {.cause = "certificates"});
}

}  // namespace postigo
