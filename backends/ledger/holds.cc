// Not here: how a login waits (session/login.cc), who is to be held (control/mover).
#include "backends/ledger/holds.h"

namespace postigo {

bool Holds::hold(Bytes user, uint64_t until_ms) {
  bool fresh = false;
  bool taken = table_.change(user, [&](uint64_t& until) {
    fresh = until == 0;
    until = until_ms;
    return Keep::busy;
  });
  if (taken && fresh) ++count_;
  return taken;
}

bool Holds::hold_if_free(Bytes user, uint64_t until_ms, uint64_t now_ms) {
  bool fresh = false, free = false;
  bool taken = table_.change(user, [&](uint64_t& until) {
    fresh = until == 0;
    free = until <= now_ms;
    if (free) until = until_ms;
    return Keep::busy;
  });
  if (taken && fresh) ++count_;
  return taken && free;
}

bool Holds::release_if(Bytes user, uint64_t until_ms) {
  bool same = false;
  table_.touch(user, [&](uint64_t& until) {
    same = until == until_ms;
    return same ? Keep::gone : Keep::busy;
  });
  if (same) --count_;
  return same;
}

bool Holds::release(Bytes user) {
  bool known = table_.touch(user, [](uint64_t&) { return Keep::gone; });
  if (known) --count_;
  return known;
}

bool Holds::held(Bytes user, uint64_t now_ms) const {
  if (size() == 0) return false;
  bool held = false;
  table_.look(user, [&](uint64_t until) { held = until > now_ms; });
  return held;
}

void Holds::visit(uint64_t now_ms, const std::function<void(Bytes user, uint64_t until_ms)>& what) {
  for (size_t stripe = 0; stripe < table_.stripes() && size() > 0; ++stripe) {
    table_.visit(stripe, [&](Bytes user, uint64_t& until) {
      if (until <= now_ms) {
        --count_;
        return Keep::gone;
      }
      what(user, until);
      return Keep::busy;
    });
  }
}

}  // namespace postigo
