// Oracle: at which backend mail for a user belongs now, for a program that delivers it: directories, orders of
// operators, holds, affinity and what is in service all have their say, as in a login of this moment.
//
// Control thread; never blocks.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "backends/directory.h"
#include "config/config.h"
#include "proxy/ops/socketmap.h"
#include "proxy/snapshot.h"

namespace postigo {

class ControlThread;

class Oracle {
 public:
  // A reply of the socketmap protocol.
  using Then = std::function<void(std::string reply)>;

  Oracle(ControlThread& control, const config::Lookup& settings);
  ~Oracle();

  Result<void> serve(int fd);  // on a listening socket, which is taken; the error is one line
  void stop_listening() { server_->stop_listening(); }
  // `key`: a user or an address.
  void ask(std::string_view key, Then then);
  void close();  // what is under way is not answered

 private:
  std::string reply_for(const Identity& identity) const;

  ControlThread& control_;
  const config::Lookup& settings_;
  std::unique_ptr<Socketmap> server_;
};

// The user that an address is of, or who has that name; none: it cannot be one of ours. `vouched`: a directory knows
// all users, so that a name which it knows is one of them, whatever its domain is. `names`: which domains are one.
std::optional<std::string> user_of_key(std::string_view key, const config::Lookup& settings,
                                       std::string_view default_domain, const Names& names, bool vouched);

}  // namespace postigo
