// Sessions: who is in, until he leaves, is told to, or his backend dies. Not here: how he came in (logins.cc).
#include <algorithm>
#include <utility>

#include "tests/sim/logins.h"

namespace postigo::sim {
namespace {

constexpr uint64_t kLostSpreadMs = 2'000;

}  // namespace

void Logins::begin(Login& login, Server& at) {
  ++story_.count(Count::served);
  auto session = std::make_unique<Session>();
  session->number = ++next_session_;
  session->who = login.who;
  session->at = &at;
  session->bond = login.way->take_bond();
  session->door_seat = std::move(login.door_seat);
  session->user_seat = std::move(login.user_seat);
  rooms_.enter(login, at);
  oracle_.entered(login, *session);
  leave_backend(login);
  const uint64_t number = session->number;
  at.sessions.emplace(number, session.get());
  of_user_[session->who.user].push_back(number);
  sessions_.emplace(number, std::move(session));
  // Most are short; some stay in IDLE for long.
  end_later(number, story_.now_ms() + (story_.one_in(3) ? story_.roll(3'600'000) : story_.roll(120'000)));
}

void Logins::end_later(uint64_t number, uint64_t at_ms) {
  story_.time.at(at_ms, [this, number] {
    if (auto found = sessions_.find(number); found != sessions_.end()) end(*found->second);
  });
}

void Logins::end(Session& session) {
  oracle_.left(session);
  auto& numbers = of_user_[session.who.user];
  std::erase(numbers, session.number);
  if (numbers.empty()) of_user_.erase(session.who.user);
  session.at->sessions.erase(session.number);
  Rooms::end(*session.at);
  sessions_.erase(session.number);
}

void Logins::end_all(Server& server) {
  while (!server.sessions.empty()) end(*server.sessions.begin()->second);
}

// Many who lose their backend at once do not come back at once.
void Logins::lose(Server& server, bool at_once) {
  if (at_once) return end_all(server);
  const uint64_t now_ms = story_.now_ms(), there = server.sessions.size();
  std::vector<uint64_t> when;
  for (auto& [number, session] : server.sessions) {
    if (std::exchange(session->leaving, true)) continue;
    when.push_back(server.lost.next_ms(now_ms, there, kLostSpreadMs));
    end_later(number, when.back());
  }
  oracle_.depart(server, when, kLostSpreadMs);
  server.lost_ms = now_ms;
}

size_t Logins::let_go(const std::string& user) {
  auto trying = trying_.find(user);
  size_t left = trying == trying_.end() ? 0 : trying->second;
  auto found = of_user_.find(user);
  if (found == of_user_.end()) return left;
  const std::vector<uint64_t> numbers = found->second;
  for (uint64_t number : numbers) end(*sessions_.at(number));
  return left + numbers.size();
}

std::vector<std::string> Logins::users_at(const Server& server) const {
  std::vector<std::string> users;
  for (const auto& [number, session] : server.sessions) users.push_back(session->who.user);
  std::sort(users.begin(), users.end());
  users.erase(std::unique(users.begin(), users.end()), users.end());
  return users;
}

}  // namespace postigo::sim
