// Not here: what a proposal is (proposal.cc), what becomes of it (control.cc).
#include "proxy/control/reload.h"

#include <utility>

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
  look_.cancel();
}

void Reloader::ask(const std::string& cause) {
  if (stopped_) return;
  if (busy_) {
    again_ = cause;  // the file may have changed since it was read
    return;
  }
  read(cause);
}

void Reloader::read(const std::string& cause) {
  busy_ = true;
  thread_.submit([this, from = now_(), cause] {
    auto proposal = std::make_shared<Proposal>(propose(from, lasting_));
    mailbox_->post([this, proposal, cause] { told(*proposal, cause); });
  });
}

void Reloader::told(Proposal& proposal, const std::string& cause) {
  if (stopped_) return;
  then_(proposal, cause);
  over();
}

void Reloader::over() {
  busy_ = false;
  if (!again_.empty()) read(std::exchange(again_, {}));
}

void Reloader::watch_certificates() {
  seen_ = now_().snapshot->certificates_stamp;
  next_look();
}

void Reloader::next_look() { loop_.timers().arm(look_, kLookMs); }

// A pair is two files, and nobody exchanges two files at once: so what has just changed waits for the next look.
void Reloader::look() {
  if (busy_) return next_look();
  Running from = now_();
  if (from.snapshot->certificates == nullptr) return next_look();
  busy_ = true;
  thread_.submit([this, from = std::move(from), seen = seen_, refused = refused_] {
    auto look = std::make_shared<Look>();
    look->stamp = Snapshot::stamp_of(from.snapshot->certificate_files());
    bool fresh = look->stamp != from.snapshot->certificates_stamp && look->stamp != refused;
    if (fresh && look->stamp == seen) look->proposal = std::make_unique<Proposal>(propose_certificates(from, lasting_));
    mailbox_->post([this, look] { looked(*look); });
  });
}

void Reloader::looked(Look& look) {
  if (stopped_) return;
  seen_ = look.stamp;
  next_look();
  if (look.proposal == nullptr) return over();
  refused_ = look.proposal->snapshot == nullptr ? look.stamp : "";
  told(*look.proposal, "certificates");
}

}  // namespace postigo
