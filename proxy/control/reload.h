// Reloader: when a new configuration or new certificates are looked for, one look at a time, on a thread of its own.
//
// Confined to the loop's thread; files are read elsewhere, so that a slow disk stops nobody.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backends/work/offload.h"
#include "proxy/base/mailbox.h"
#include "proxy/control/proposal.h"
#include "proxy/net/loop.h"

namespace postigo {

class Reloader {
 public:
  static constexpr uint64_t kLookMs = 2000;  // between two looks at the files

  // What became of an order.
  struct Outcome {
    std::string refusal = {};  // why it did not take effect; empty: it did
    std::vector<std::string> problems = {};
    std::vector<config::Change> changes = {};
    std::vector<std::string> left_out = {};  // keys that only a restart can change
  };
  struct Order {
    std::string cause;
    bool partial = false;  // leave out what only a restart can change, instead of refusing all
    std::function<void(const Outcome&)> then = nullptr;
  };

  // What runs now, as a copy that the other thread may keep.
  using Now = std::function<Running()>;
  // A proposal is there: to be published or refused; order.then is for whoever does that.
  using Then = std::function<void(Proposal& proposal, const Order& order)>;

  static constexpr size_t kWaitingMax = 64;

  // All outlive it. Starts a thread.
  Reloader(Loop& loop, std::shared_ptr<Mailbox> mailbox, Lasting& lasting, Now now, Then then);

  // For the file, as it is from now on. One after the other.
  void ask(Order order);
  // For the file as it was read last, whatever stands in it now: what it means has changed. Once for all who ask for it
  // while it waits for its turn.
  void renew(Order order);
  // The same as ask() without an effect.
  void compare(std::function<void(const Proposal&)> then);
  // Other work that blocks, in its turn; `then` on the loop's thread.
  void chore(std::function<void()> work, std::function<void()> then);
  // From now on certificates that change on disk are proposed by themselves, once they have not changed for a look;
  // with [server] watch the configuration's file, too.
  void watch_files();
  void stop();  // nothing is told any more

 private:
  // What is known of files when a look begins: the stamps of the last one, and of what was read and of no use.
  struct Stamps {
    std::string seen, refused, file_seen, file_read;
  };
  struct Look {
    std::string stamp, file;             // of the certificates, and of the configuration's file; empty: not looked at
    bool changed = false;                // that file
    std::unique_ptr<Proposal> proposal;  // null: nothing to do
  };

  // `begin` leads to work().
  void in_turn(std::function<void()> begin);
  void work(std::function<void()> work, std::function<void()> then);
  void look();
  void looked(Look& look);
  static void examine(const Running& from, Lasting& lasting, const Stamps& known, Look& look);
  void over();
  void next_look();

  Loop& loop_;
  std::shared_ptr<Mailbox> mailbox_;
  Lasting& lasting_;
  Now now_;
  Then then_;
  Timer look_;
  Stamps known_;
  std::deque<std::function<void()>> waiting_;
  bool busy_ = false, stopped_ = false, renew_waits_ = false;
  Offload thread_{1, 4};  // gone first
};

}  // namespace postigo
