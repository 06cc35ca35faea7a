// LedgerKeeper: forgets what has lapsed in the ledger, a little every second, and hands it on to another process.
//
// Control thread.
#pragma once

#include <functional>
#include <string>

#include "backends/ledger/ledger.h"
#include "config/config.h"
#include "proxy/fleet.h"
#include "proxy/net/loop.h"

namespace postigo {

uint64_t longest_lapse_ms(const config::Live& live);  // of bonds, over all pools

class LedgerKeeper {
 public:
  LedgerKeeper(Loop& loop, Fleet& fleet);

  // `inherited`: what a predecessor left, or empty. `evict`: ends a user's sessions and lets his logins go on then.
  void start(Ledger& ledger, const std::string& inherited, std::function<void(const std::string& user)> evict);
  void close();
  std::string text(const config::Live& live) const;  // for a successor

 private:
  void sweep();
  void help_stranded();

  Loop& loop_;
  Fleet& fleet_;
  Ledger* ledger_ = nullptr;  // from start() on
  std::function<void(const std::string& user)> evict_;
  Timer timer_;
  size_t stripe_ = 0;  // to be swept next
};

}  // namespace postigo
