// Doors: which addresses listen. Binds what a configuration needs before it takes effect, for every worker one
// descriptor of its own (SO_REUSEPORT).
//
// Control thread. It knows addresses; the descriptors belong to whom they are handed.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "config/config.h"
#include "parser/base/result.h"
#include "proxy/worker.h"

namespace postigo {

class Doors {
 public:
  explicit Doors(size_t workers) : workers_(workers) {}

  // What each worker is to adopt, so that all addresses of `listeners` listen. All or nothing: the error is one line,
  // and then nothing has changed. Takes effect with the next call of use().
  Result<std::vector<Handout>> open(const std::vector<config::Listener>& listeners) const;
  // These are the ones that listen from now on; what open() returned has been handed out.
  void use(const std::vector<config::Listener>& listeners);

 private:
  size_t workers_;
  std::set<std::string> addresses_;
  std::set<uint16_t> ports_;
};

}  // namespace postigo
