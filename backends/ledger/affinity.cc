// Who holds what. Not here: which backend is the choice, and what happens where the bound one is down (the login).
#include "backends/ledger/affinity.h"

namespace postigo {
namespace {

void count(std::atomic<uint64_t>& counter) { counter.fetch_add(1, std::memory_order_relaxed); }

}  // namespace

Affinity::Affinity(size_t users_max, SipKey key, Clock clock)
    : users_max_(users_max), clock_(std::move(clock)), table_(users_max, key) {}

Keep Affinity::keep(const Place& place, uint64_t now_ms) {
  if (place.held() || place.logins > 0) return Keep::busy;
  return place.lapses_ms > now_ms ? Keep::spare : Keep::gone;
}

Bonds::Known Affinity::known(const Place& place, uint64_t now_ms) {
  const uint64_t left_ms = place.lapses_ms > now_ms ? place.lapses_ms - now_ms : 0;
  return {place.backend, place.sessions, place.logins, left_ms, place.held()};
}

// Under the lock of his stripe, so that each change counts once.
void Affinity::count_home(Place& place, bool away) {
  if (place.away == away) return;
  place.away = away;
  away_.fetch_add(away ? 1 : ~uint64_t{0}, std::memory_order_relaxed);
}

// Logins that are under way stand by the first one's choice, but they hold nobody where he is not to stay: guesses at
// his password are logins under way, too.
Bonds::Answer Affinity::take(Part& part, Slot choice, const std::function<bool(Slot)>& stays) {
  Table::Pin pin;
  auto join = [&](Place& place) {
    const uint64_t now_ms = clock_();
    part.fresh = !place.held() && place.lapses_ms <= now_ms;
    bool bound = place.logins > 0 || place.lapses_ms > now_ms;
    if (!place.held() && !(bound && stays(place.backend))) {
      place.backend = choice;
      place.lapses_ms = 0;
    }
    ++place.logins;
    part.backend = place.backend;
    part.shared = place.held();
    return Keep::busy;
  };
  if (!table_.change(table_.hashed(part.user), join, &pin)) {
    count(unbound_);
    return Answer::no;
  }
  part.place = pin.address();
  if (part.backend != choice) count(redirected_);
  return Answer::yes;
}

Bonds::Answer Affinity::move(Part& part, Slot to) {
  bool moved = false;
  table_.change(pin_of(part), [&](Place& place) {
    moved = place.backend != part.backend;
    if (!moved && !place.held()) {
      place.backend = to;
      place.lapses_ms = 0;
      moved = true;
      count(moved_);
    }
    part.backend = place.backend;
    part.shared = place.held();
    return Keep::busy;
  });
  return moved ? Answer::yes : Answer::no;
}

Bonds::Answer Affinity::settle(Part& part) {
  table_.change(pin_of(part), [&](Place& place) {
    part.settled = place.backend == part.backend;
    part.backend = place.backend;
    if (part.settled) {
      --place.logins;
      if (place.sessions++ == 0) count(present_);
      count_home(place, part.home && *part.home != place.backend);
    }
    return Keep::busy;
  });
  return part.settled ? Answer::yes : Answer::no;
}

// Who never came in leaves the bond as it was, so that guesses neither make bonds nor keep them.
void Affinity::give_back(const Part& part) {
  table_.change(pin_of(part), [&](Place& place) {
    const uint64_t now_ms = clock_();
    --(part.settled ? place.sessions : place.logins);
    if (part.settled && place.sessions == 0) {
      present_.fetch_sub(1, std::memory_order_relaxed);
      count_home(place, false);
    }
    if (part.settled) place.lapses_ms = now_ms + part.lapse_ms;
    return keep(place, now_ms);
  });
}

std::optional<Bonds::Known> Affinity::look(Bytes user) const {
  std::optional<Known> found;
  table_.look(user, [&](const Place& place) {
    const uint64_t now_ms = clock_();
    if (keep(place, now_ms) != Keep::gone) found = known(place, now_ms);
  });
  return found;
}

bool Affinity::forget(Bytes user) {
  bool free = true;
  table_.touch(user, [&](Place& place) {
    free = !place.held();
    if (free) place.lapses_ms = 0;
    return keep(place, clock_());
  });
  return free;
}

void Affinity::adopt(Bytes user, Slot backend, uint64_t lapses_in_ms) {
  table_.change(user, [&](Place& place) {
    const uint64_t now_ms = clock_();
    if (keep(place, now_ms) == Keep::gone) {
      place.backend = backend;
      place.lapses_ms = now_ms + lapses_in_ms;
    }
    return keep(place, now_ms);
  });
}

// Where a session of this process holds him he stays: then he is at two backends until the other one ends.
void Affinity::mirror(size_t stripe, const NameMap<Slot>& users, uint64_t lapse_ms) {
  const uint64_t now_ms = clock_();
  table_.visit(stripe, [&](Bytes user, Place& place) {
    if (place.elsewhere && users.find(user) == users.end()) {
      place.elsewhere = false;
      place.lapses_ms = now_ms + lapse_ms;
    }
    return keep(place, now_ms);
  });
  for (const auto& [user, backend] : users) {
    table_.change(user, [&, slot = backend](Place& place) {
      if (place.sessions == 0 && place.logins == 0) place.backend = slot;
      place.elsewhere = place.backend == slot;
      return keep(place, now_ms);
    });
  }
}

void Affinity::let_go(Bytes user) {
  table_.touch(user, [&](Place& place) {
    place.elsewhere = false;
    return keep(place, clock_());
  });
}

void Affinity::visit(size_t stripe, const std::function<void(Bytes user, const Known&)>& what) {
  const uint64_t now_ms = clock_();
  table_.visit(stripe, [&](Bytes user, Place& place) {
    if (keep(place, now_ms) != Keep::gone) what(user, known(place, now_ms));
    return keep(place, now_ms);
  });
}

}  // namespace postigo
