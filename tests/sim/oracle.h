// Oracle: what must never be. It is told of every step, keeps a plain model of its own (who is where, who may not come
// in, what was ordered), and compares.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "tests/sim/door.h"
#include "tests/sim/limits_model.h"
#include "tests/sim/session.h"

namespace postigo::sim {

class Oracle {
 public:
  Oracle(Story& story, World& world, Door& door);

  // What was asked of the ledger, and done.
  void holds(const std::string& user, Holds::By by, uint64_t until_ms);
  void released(const std::string& user, Holds::By by, bool was_there);
  void ordered(const std::string& user, const std::optional<Moves::Order>& order);
  std::optional<Moves::Order> order_of(const std::string& user) const;
  // What bound him without a session does not any more: an operator's word, or a backend that could not serve.
  void unbound(const std::string& user) { resting_.erase(user); }
  // Nobody has the user's mailbox open, and nobody is to.
  void closed(const std::string& user, size_t left);
  void opened(const std::string& user) { closed_.erase(user); }
  bool is_closed(const std::string& user) const { return closed_.contains(user); }

  // A login.
  void began(const Login& login);
  void asked_hold(const std::string& user, bool answer);
  void arranged(const Route& route, const std::string& user);  // by Selection
  void placed(Login& login);
  void chosen(const Login& login, const Server& to, Health::Trial trial);
  void trial(const Server& server, unsigned under_way);
  void tried_in_vain(const Server& server, const Belief& belief);
  void refused(const Login& login);
  void gone(Login& login);
  void entered(const Login& login, Session& session);

  // A session.
  void left(Session& session);
  void depart(const Server& server, const std::vector<uint64_t>& when_ms, uint64_t over_ms);

  void check_bounds();
  void check_end();

  LimitsModel limits;

 private:
  struct Pin {
    uint32_t slot = 0;
    unsigned count = 0;
  };
  // Where his last session was, and until when that binds him.
  struct Rest {
    std::string backend;
    uint64_t until_ms = 0;
  };
  void check_rest(const Login& login);
  void check_time(const Login& login);
  enum class Zone { ours, theirs, either };
  Zone zone_of(const Route& route) const;
  std::vector<const Server*> who_may_serve(const Route& route) const;
  bool has_sessions(const std::string& user) const { return pins_.contains(user) || loose_.contains(user); }
  void check_affinity();
  void check_orders();
  void check_holds();
  void check_beliefs();

  Story& story_;
  World& world_;
  Door& door_;
  size_t under_way_ = 0, sessions_ = 0, bound_ = 0;
  std::unordered_map<std::string, Pin> pins_;        // of users with bonds: where their sessions are
  std::unordered_map<std::string, unsigned> loose_;  // sessions without
  std::unordered_map<std::string, Rest> resting_;
  std::map<std::string, Moves::Order> orders_;
  std::map<std::string, Holds::Until> holds_;
  std::set<std::string> closed_;
};

}  // namespace postigo::sim
