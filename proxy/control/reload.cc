// Not here: what a proposal is (proposal.cc), what becomes of it (control.cc).
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
    std::string stamp = file_stamp(from.file);  // before: what changes meanwhile is read again
    auto proposal = std::make_shared<Proposal>(propose(from, lasting_));
    mailbox_->post([this, proposal, cause, stamp] {
      known_.file_read = stamp;
      told(*proposal, cause);
    });
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

void Reloader::watch_files() {
  Running now = now_();
  known_.seen = now.snapshot->certificates_stamp;
  known_.file_read = file_stamp(now.file);
  next_look();
}

void Reloader::next_look() { loop_.timers().arm(look_, kLookMs); }

void Reloader::look() {
  if (busy_) return next_look();
  Running from = now_();
  if (from.snapshot->certificates == nullptr && !from.config.live.watch) return next_look();
  busy_ = true;
  thread_.submit([this, from = std::move(from), known = known_] {
    auto look = std::make_shared<Look>();
    examine(from, lasting_, known, *look);
    mailbox_->post([this, look] { looked(*look); });
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
  look.proposal = std::make_unique<Proposal>(propose_certificates(from, lasting));
}

void Reloader::looked(Look& look) {
  if (stopped_) return;
  known_.seen = look.stamp;
  known_.file_seen = look.file;
  next_look();
  if (look.changed) return read("watch");  // with its certificates
  if (look.proposal == nullptr) return over();
  known_.refused = look.proposal->snapshot == nullptr ? look.stamp : "";
  told(*look.proposal, "certificates");
}

}  // namespace postigo
