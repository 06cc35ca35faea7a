// Roll: the sessions of one host, in the order in which they came, and walks over them that never hold the host up: a
// few sessions in each turn of the loop, however many there are.
//
// Owns its sessions from add() until remove(). Confined to the loop's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "proxy/base/list.h"
#include "proxy/net/loop.h"
#include "proxy/session/session.h"

namespace postigo {

class Roll {
 public:
  static constexpr unsigned kVisitsPerTurn = 64;

  explicit Roll(Loop& loop) : loop_(loop) {}
  ~Roll();
  Roll(const Roll&) = delete;
  Roll& operator=(const Roll&) = delete;

  uint64_t next_number() { return ++numbers_; }  // for the session that is added next
  Session& add(std::unique_ptr<Session> session);
  void remove(Session& session);  // it lives to the end of the turn
  size_t size() const { return size_; }

  // Shows all sessions of now to `visit`, until it says false; then calls `done`. `visit` may remove the session that
  // it is shown, and others.
  void walk(std::function<bool(Session&)> visit, std::function<void()> done);
  void visit(std::function<void(Session&)> what);  // the same, of all and without an end
  // All in this turn. `what` may remove the session that it is shown, and no other.
  template <typename What>
  void each_now(What what) {
    sessions_.for_each(what);
  }

 private:
  struct Walk {
    Session* at;    // to be shown next; null: none is left
    uint64_t last;  // Session::number(): those behind it came later
    std::function<bool(Session&)> visit;
    std::function<void()> done;
  };
  void go_on(const std::shared_ptr<Walk>& walk);

  Loop& loop_;
  List<Session, SessionTag> sessions_;
  std::vector<std::shared_ptr<Walk>> walks_;  // under way
  size_t size_ = 0;
  uint64_t numbers_ = 0;
};

}  // namespace postigo
