// Rooms: logins that ask for room at a backend, as proxy/session/upstream asks for them, beside a plain count of who is
// there and who stands in which line. What Admittance says must be what that count says: nobody waits where there is
// room for him, nor longer than he may, nobody overtakes, and no more are let in than may be.
#pragma once

#include <map>
#include <set>
#include <string_view>
#include <vector>

#include "tests/sim/door.h"
#include "tests/sim/session.h"

namespace postigo::sim {

class Rooms {
 public:
  Rooms(Story& story, World& world, Door& door) : story_(story), world_(world), door_(door) {}

  Admittance::Answer ask(Login& login, Server& at);
  void leave(Login& login);              // its backend: the line, or its place
  void enter(Login& login, Server& at);  // a session has come of it
  static void end(Server& at) { at.room.sessions.fetch_sub(1); }

  void check_bounds();
  void check_end();

 private:
  struct Waiter {
    const Login* who;
    uint64_t since_ms;
  };
  // What is true of one backend. Its sessions are the Server's.
  struct Tally {
    std::vector<Waiter> line;  // in the order in which they came
    std::set<const Login*> under_way;
    double owed_ms = 0;  // of its rate, as of at_ms: each login costs a part of a second
    uint64_t at_ms = 0;
  };
  using Answer = Admittance::Answer;

  bool another_has_room(const Login& login);
  bool may_serve(const Server& other) const;
  uint64_t busy(const Server& at);
  bool overfills(std::string_view pool);
  Answer should(const Login& login, const Server& at, bool elsewhere);
  void note(const Login& login, const Server& at, Answer answer);

  Story& story_;
  World& world_;
  Door& door_;
  std::map<const Server*, Tally> counts_;
};

}  // namespace postigo::sim
