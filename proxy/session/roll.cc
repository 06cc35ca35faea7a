// The list and the walks. Not here: what is asked of the sessions (worker.cc, control/verbs_sessions.cc).
#include "proxy/session/roll.h"

#include <cassert>
#include <utility>

namespace postigo {

Roll::~Roll() { assert(size_ == 0); }

Session& Roll::add(std::unique_ptr<Session> session) {
  Session& added = *session.release();
  sessions_.push_back(added);
  ++size_;
  return added;
}

void Roll::remove(Session& session) {
  for (auto& walk : walks_) {
    if (walk->at == &session) walk->at = sessions_.next(session);
  }
  session.ListNode<SessionTag>::unlink();
  loop_.bury(std::unique_ptr<Session>(&session));
  --size_;
}

// New sessions come to the end of the list, so those of now are the first.
void Roll::walk(std::function<bool(Session&)> visit, std::function<void()> done) {
  auto walk = std::make_shared<Walk>(Walk{sessions_.first(), numbers_, std::move(visit), std::move(done)});
  walks_.push_back(walk);
  go_on(walk);
}

void Roll::visit(std::function<void(Session&)> what) {
  auto visit = [what = std::move(what)](Session& session) mutable {
    what(session);
    return true;
  };
  walk(std::move(visit), [] {});
}

// Between two turns the others are served.
void Roll::go_on(const std::shared_ptr<Walk>& walk) {
  for (unsigned i = 0; i < kVisitsPerTurn && walk->at != nullptr; ++i) {
    Session& session = *walk->at;
    bool new_here = session.number() > walk->last;
    walk->at = new_here ? nullptr : sessions_.next(session);
    if (!new_here && !walk->visit(session)) walk->at = nullptr;
  }
  if (walk->at != nullptr) return loop_.defer([this, walk] { go_on(walk); });
  std::erase(walks_, walk);
  walk->done();
}

}  // namespace postigo
