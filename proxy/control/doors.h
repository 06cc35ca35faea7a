// Doors: which addresses listen. Takes over what listens already, binds the rest, and hands out: to every worker
// descriptors of its own. Keeps a copy of each, for whoever takes this process's place.
//
// Control thread.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "config/config.h"
#include "parser/base/result.h"
#include "proxy/control/estate.h"
#include "proxy/worker.h"

namespace postigo {

class Doors {
 public:
  // `inherited`: sockets that listen already.
  explicit Doors(size_t workers, Sockets inherited = {}) : workers_(workers), inherited_(std::move(inherited)) {}

  struct Opening {
    std::vector<Handout> handouts;  // by worker: what it is to adopt
    Sockets fresh;                  // the same sockets: for use()
  };
  // What is missing for all addresses of `listeners` to listen. All or nothing: the error is one line, and then nothing
  // has changed. Takes effect with the next call of use().
  Result<Opening> open(const std::vector<config::Listener>& listeners) const;
  // These are the ones that listen from now on.
  void use(const std::vector<config::Listener>& listeners, Sockets fresh);
  // One that is no listener's (the admin's): inherited, or what `bind` binds now. The caller's from here on.
  Result<int> open_other(const std::string& name, const std::function<Result<int>()>& bind);
  // Nobody asks for inherited sockets any more: those that nobody had a use for are closed. Their names.
  std::vector<std::string> forget_inherited();
  // Our copies go: a port is closed once those who were handed theirs have let go of them.
  void close();

  Sockets copies() const;  // of all that listen

 private:
  Result<std::vector<Descriptor>> obtain(const Address& address, uint16_t port) const;

  size_t workers_;
  Sockets inherited_;
  Sockets sockets_, others_;  // of listeners, and of others
  std::set<uint16_t> ports_;
};

// What a configuration's addresses are called in Sockets.
std::string socket_name(const config::Endpoint& endpoint);

}  // namespace postigo
