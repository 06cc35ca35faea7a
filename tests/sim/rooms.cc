// Not here: what becomes of a login that is let in, or not (logins.cc).
#include "tests/sim/rooms.h"

#include <algorithm>

namespace postigo::sim {

using Answer = Admittance::Answer;

bool Rooms::may_serve(const Server& other) const {
  if (other.wanted == Wanted::ready) return true;
  return takes_logins(other.wanted) && !other.belief->health.down();
}

bool Rooms::another_has_room(const Login& login) {
  const auto others = login.way->others();
  return !login.way->is_held() && std::any_of(others.begin(), others.end(), [this](const config::Backend* each) {
    Server& other = door_.server(*each);
    return may_serve(other) && door_.places.has_room(other.room, world_.terms_of(other), story_.now_ms());
  });
}

Answer Rooms::ask(Login& login, Server& at) {
  login.asks = &at;
  const bool elsewhere = another_has_room(login);
  const bool waited = login.admittance.waits();
  const Answer expected = should(login, at, elsewhere);
  const std::function<bool()> tell = [elsewhere] { return elsewhere; };
  const Answer answer = login.admittance.ask(
      {door_.places, at.room, world_.terms_of(at), door_.limit_of(login.way->route().pool), story_.now_ms(), tell});
  if (answer != expected) {
    constexpr std::array<std::string_view, 3> kWords = {"may go", "waits", "is turned away"};
    story_.wrong(login.who.user + " at " + at.name + " " + std::string(kWords[static_cast<size_t>(answer)]) +
                 ", and should not");
  }
  if (!waited && login.admittance.waits()) ++story_.count(Count::queued);
  if (answer == Answer::no && login.admittance.why() == Admittance::Why::queue) ++story_.count(Count::lines_full);
  if (answer == Answer::no && waited) ++story_.count(Count::waited_in_vain);
  if (answer == Answer::go) login.place = login.admittance.seat();
  note(login, at, answer);
  return answer;
}

uint64_t Rooms::busy(const Server& at) { return at.sessions.size() + counts_[&at].under_way.size(); }

bool Rooms::overfills(std::string_view pool) {
  const PoolLimit* limit = door_.limit_of(pool);
  if (limit == nullptr) return false;
  uint64_t sum = 0;
  for (const std::string& name : world_.members(world_.pool(pool))) sum += busy(world_.of(name));
  return sum + 1 > limit->sessions_max;
}

// By what is plainly so. As many places must be free as came before him, and one more.
Answer Rooms::should(const Login& login, const Server& at, bool elsewhere) {
  if (overfills(login.way->route().pool)) return Answer::no;
  const config::Backend& terms = world_.terms_of(at);
  Tally& count = counts_[&at];
  auto me = std::find_if(count.line.begin(), count.line.end(), [&](const Waiter& each) { return each.who == &login; });
  const auto ahead = static_cast<uint64_t>(me - count.line.begin());
  const uint64_t now_ms = story_.now_ms();
  const double owed_ms = std::max(0.0, count.owed_ms - static_cast<double>(now_ms - count.at_ms));
  const double each_ms = terms.logins_per_s == 0 ? 0 : 1'000.0 / static_cast<double>(terms.logins_per_s);
  const bool room = terms.sessions_max == 0 || busy(at) + 1 + ahead <= terms.sessions_max;
  const bool place = static_cast<int64_t>(count.under_way.size()) < door_.places.limit();
  const bool in_time = owed_ms + each_ms * static_cast<double>(ahead + 1) <= 1'000;
  if (room && place && in_time) return Answer::go;
  if (me != count.line.end()) return now_ms < me->since_ms + terms.queue_timeout_ms ? Answer::wait : Answer::no;
  if ((room && !place) || elsewhere) return Answer::no;
  return count.line.size() < terms.queue_max ? Answer::wait : Answer::no;
}

void Rooms::note(const Login& login, const Server& at, Answer answer) {
  Tally& count = counts_[&at];
  auto is_me = [&](const Waiter& each) { return each.who == &login; };
  const bool stands = std::any_of(count.line.begin(), count.line.end(), is_me);
  if (answer == Answer::wait && !stands) count.line.push_back({&login, story_.now_ms()});
  if (answer != Answer::wait) std::erase_if(count.line, is_me);
  if (answer != Answer::go) return;
  count.under_way.insert(&login);
  const config::Backend& terms = world_.terms_of(at);
  if (terms.sessions_max != 0 && busy(at) > terms.sessions_max) story_.wrong("more are at " + at.name + " than may be");
  const double owed_ms = std::max(0.0, count.owed_ms - static_cast<double>(story_.now_ms() - count.at_ms));
  count.owed_ms = owed_ms + (terms.logins_per_s == 0 ? 0 : 1'000.0 / static_cast<double>(terms.logins_per_s));
  count.at_ms = story_.now_ms();
}

void Rooms::leave(Login& login) {
  login.admittance.leave();
  login.place.release();
  if (login.asks == nullptr) return;
  Tally& count = counts_[std::exchange(login.asks, nullptr)];
  count.under_way.erase(&login);
  std::erase_if(count.line, [&](const Waiter& each) { return each.who == &login; });
}

// Counted as a session first, so that nobody sees a place that is not free.
void Rooms::enter(Login& login, Server& at) {
  at.room.sessions.fetch_add(1);
  door_.places.succeeded(at.room);
  leave(login);
}

// Each is counted once, and no line is longer than it may ever have been.
void Rooms::check_bounds() {
  for (const auto& server : world_.servers()) {
    const Tally& count = counts_[server.get()];
    if (server->room.queue.size() != count.line.size()) story_.wrong("a line of nobody at " + server->name);
    if (count.line.size() > World::kLineMost) story_.wrong("a line without an end at " + server->name);
    if (busy_at(server->room) != static_cast<int64_t>(busy(*server))) {
      story_.wrong("sessions or logins that " + server->name + " counts twice, or not at all");
    }
    for (const Waiter& each : count.line) {
      if (story_.now_ms() > each.since_ms + World::kLinePatienceMs + Admittance::kStepMs) {
        story_.wrong(each.who->who.user + " waits for too long at " + server->name);
      }
    }
  }
}

void Rooms::check_end() {
  check_bounds();
  for (const auto& server : world_.servers()) {
    if (busy_at(server->room) != 0 || server->room.queue.size() != 0)
      story_.wrong("somebody is left at " + server->name);
  }
}

}  // namespace postigo::sim
