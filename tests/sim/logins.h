// Logins: users who log in at our door, one step after the other as proxy/session does it, and the sessions that come
// of it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tests/sim/door.h"
#include "tests/sim/oracle.h"
#include "tests/sim/ready.h"
#include "tests/sim/rooms.h"

namespace postigo::sim {

class Logins {
 public:
  Logins(Story& story, World& world, Door& door, Oracle& oracle, Rooms& rooms, Ready& ready);

  void log_in(size_t user);
  // What a walk over all sessions sees of one user: those that have a backend or will have one without being asked
  // again. Those that relay are told to go.
  size_t let_go(const std::string& user);
  void probe(Server& server);  // as the control thread does while something is wrong: to the greeting
  void end_all(Server& server);
  std::vector<std::string> users_at(const Server& server) const;

  static std::string name_of(size_t user) { return "u" + std::to_string(user); }
  static std::string_view pool_of(size_t user);

 private:
  using LoginPtr = std::shared_ptr<Login>;
  void find_backend(const LoginPtr& login);
  void wait(const LoginPtr& login, bool for_answer);
  bool seat_user(Login& login, std::string_view pool);
  void try_candidate(const LoginPtr& login);
  void ask_to_go(const LoginPtr& login);
  bool let_in(Login& login, Server& to);
  void connect(const LoginPtr& login, Server& to);
  void met(const LoginPtr& login, Server& at);
  void settle(const LoginPtr& login, Server& at);
  void failed(const LoginPtr& login, Server& at);
  void ask_again(const LoginPtr& login, std::function<void()> what);
  void try_next(const LoginPtr& login, bool strands);
  void go_on(const LoginPtr& login, bool strands);
  bool strand(const LoginPtr& login);
  void refuse(const LoginPtr& login, Count what);
  void drop_trial(Login& login);
  void leave_backend(Login& login);
  void begin(Login& login, Server& at);
  void end(Session& session);
  void lose(Server& server, bool at_once);
  void end_later(uint64_t number, uint64_t at_ms);
  void note(Server& server, Belief& belief, const SharedHealth::Change& change);

  Story& story_;
  Door& door_;
  Oracle& oracle_;
  Rooms& rooms_;
  Ready& ready_;
  std::unordered_map<uint64_t, std::unique_ptr<Session>> sessions_;
  std::unordered_map<std::string, std::vector<uint64_t>> of_user_;  // sessions
  std::unordered_map<std::string, unsigned> trying_;                // logins that have a candidate
  uint64_t next_session_ = 0;
};

}  // namespace postigo::sim
