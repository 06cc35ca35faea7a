// Not here: how a login waits (session/login.cc), who is to be held (control/mover).
#include "backends/ledger/holds.h"

#include <utility>

namespace postigo {

bool Holds::hold(Bytes user, By by, uint64_t until_ms) {
  return table_.change(user, [&](Until& until) {
    until[static_cast<size_t>(by)] = until_ms;
    return Keep::busy;
  });
}

bool Holds::release(Bytes user, By by) {
  bool known = false;
  table_.touch(user, [&](Until& until) {
    known = std::exchange(until[static_cast<size_t>(by)], 0) != 0;
    return last(until) == 0 ? Keep::gone : Keep::busy;
  });
  return known;
}

bool Holds::held(Bytes user, uint64_t now_ms) const {
  if (size() == 0) return false;
  bool held = false;
  table_.look(user, [&](const Until& until) { held = last(until) > now_ms; });
  return held;
}

void Holds::visit(uint64_t now_ms, const std::function<void(Bytes user, const Until& until_ms)>& what) {
  for (size_t stripe = 0; stripe < table_.stripes() && size() > 0; ++stripe) {
    table_.visit(stripe, [&](Bytes user, Until& until) {
      if (last(until) <= now_ms) return Keep::gone;
      what(user, until);
      return Keep::busy;
    });
  }
}

}  // namespace postigo
