// Removals: what becomes of the sessions of backends that a new configuration has no more.
//
// Control thread. Logins that are under way then end under the old terms (Session::begin_relay).
#pragma once

#include <set>
#include <string>

#include "config/config.h"

namespace postigo {

class ControlThread;

class Removals {
 public:
  explicit Removals(ControlThread& control) : control_(control) {}  // which outlives it

  // `now` took the place of `before`, and workers were told. A backend that comes back keeps who is still there.
  void exchanged(const config::Live& before, const config::Live& now);

 private:
  void let_go_of(const std::string& backend, uint64_t over_ms);
  void keep(const std::string& backend);

  ControlThread& control_;
  std::set<std::string> leaving_;  // backends whose sessions were told to go
};

}  // namespace postigo
