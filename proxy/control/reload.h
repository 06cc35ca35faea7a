// Reloader: when a new configuration or new certificates are looked for, one look at a time, on a thread of its own.
//
// Confined to the loop's thread; files are read elsewhere, so that a slow disk stops nobody.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "proxy/base/mailbox.h"
#include "proxy/control/proposal.h"
#include "proxy/net/loop.h"
#include "proxy/net/offload.h"

namespace postigo {

class Reloader {
 public:
  static constexpr uint64_t kLookMs = 2000;  // between two looks at the files

  // What runs now, as a copy that the other thread may keep.
  using Now = std::function<Running()>;
  // A proposal is there: to be published or refused, with the reason for which it was asked.
  using Then = std::function<void(Proposal& proposal, const std::string& cause)>;

  // All outlive it. Starts a thread.
  Reloader(Loop& loop, std::shared_ptr<Mailbox> mailbox, Lasting& lasting, Now now, Then then);

  void ask(const std::string& cause);  // for the file, as it is from now on
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

  void read(const std::string& cause);
  void look();
  void looked(Look& look);
  static void examine(const Running& from, Lasting& lasting, const Stamps& known, Look& look);
  void told(Proposal& proposal, const std::string& cause);
  void over();
  void next_look();

  Loop& loop_;
  std::shared_ptr<Mailbox> mailbox_;
  Lasting& lasting_;
  Now now_;
  Then then_;
  Timer look_;
  Stamps known_;
  std::string again_;  // asked for meanwhile, with this cause
  bool busy_ = false, stopped_ = false;
  Offload thread_{1, 4};  // gone first
};

}  // namespace postigo
