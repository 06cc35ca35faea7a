// With a time there are two walks: one counts, so that the other can spread evenly. Not here: the walk itself
// (session/roll.cc), what a relay does with its moment (session/relay.cc).
#include "proxy/control/let_go.h"

#include <atomic>
#include <memory>
#include <mutex>

#include "proxy/control/control_thread.h"
#include "proxy/session/drain_plan.h"
#include "proxy/session/relay.h"

namespace postigo {
namespace {

// Shared by the workers' threads.
struct Going {
  explicit Going(LetGo given) : order(std::move(given)) {}
  bool concerns(Session& session) const {
    bool asked = order.also_logins || session.relaying();
    return asked && !session.closing() && order.filter.fits(session);
  }
  // A moment counted from now, for the next one of all workers.
  uint64_t next_ms() {
    std::lock_guard lock(mutex);
    return plan.next_ms();
  }

  const LetGo order;
  std::atomic<uint64_t> relays{0}, ended{0}, leaving{0};
  std::mutex mutex;
  DrainPlan plan{0, 0, 0};
};

void end_all(ControlThread& control, const std::shared_ptr<Going>& going, std::function<void()> then) {
  control.walk(
      [going](Session& session) {
        if (going->concerns(session)) {
          session.shut_down(going->order.why);
          ++going->ended;
        }
        return true;
      },
      std::move(then));
}

void spread(ControlThread& control, const std::shared_ptr<Going>& going, std::function<void()> then) {
  going->plan = DrainPlan(going->relays, 0, going->order.over_ms);
  control.walk(
      [going](Session& session) {
        if (!going->concerns(session)) return true;
        if (session.relaying()) {
          session.leave_at(session.host().loop().now_ms() + going->next_ms(), going->order.why);
          ++going->leaving;
        } else {
          session.shut_down(going->order.why);
          ++going->ended;
        }
        return true;
      },
      std::move(then));
}

void count(ControlThread& control, const std::shared_ptr<Going>& going, std::function<void()> then) {
  control.walk(
      [going](Session& session) {
        if (going->concerns(session) && session.relaying()) ++going->relays;
        return true;
      },
      std::move(then));
}

}  // namespace

void let_go(ControlThread& control, LetGo order, std::function<void(LetGone)> then) {
  auto going = std::make_shared<Going>(std::move(order));
  auto over = [going, then = std::move(then)] { then({going->ended, going->leaving}); };
  if (going->order.over_ms == 0) return end_all(control, going, over);
  count(control, going, [&control, going, over] { spread(control, going, over); });
}

void let_stay(ControlThread& control, SessionFilter filter, CloseReason why) {
  control.walk(
      [filter = std::move(filter), why](Session& session) {
        if (session.relaying() && filter.fits(session)) session.leave_at(Relay::kStays, why);
        return true;
      },
      [] {});
}

}  // namespace postigo
