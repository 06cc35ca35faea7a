// Who is sent when, and who wins. Not here: the order of addresses (dns.cc), how long all of it may
// take (its client).
#include "proxy/net/race.h"

#include <algorithm>
#include <utility>

namespace postigo {

Race::Race(Loop& loop, Client& client, Begin begin)
    : loop_(loop),
      client_(client),
      begin_(std::move(begin)),
      patience_([](void* self) { static_cast<Race*>(self)->send_next(); }, this) {}

Race::~Race() { stop(); }

void Race::stop() {
  patience_.cancel();
  runners_.clear();
}

void Race::start(std::vector<Address> addresses) {
  addresses_ = std::move(addresses);
  send_next();
}

void Race::send_next() {
  patience_.cancel();  // with the one before
  const int begun = begin_(addresses_[next_++]);
  runners_.push_back({Socket::connect(loop_, begun, *this), begun});
  if (next_ < addresses_.size()) loop_.timers().arm(patience_, kNextMs);
}

std::vector<Race::Runner>::iterator Race::find(const Socket& socket) {
  return std::find_if(runners_.begin(), runners_.end(),
                      [&](const Runner& runner) { return runner.socket.get() == &socket; });
}

void Race::on_connected(Socket& socket) {
  SocketPtr won = std::move(find(socket)->socket);
  stop();
  client_.race_won(std::move(won));
}

void Race::on_failed(Socket& socket, const std::string& why) {
  auto failed = find(socket);
  const int begun = failed->begun;
  runners_.erase(failed);
  if (next_ < addresses_.size()) return send_next();
  if (runners_.empty()) client_.race_lost(begun, why);
}

}  // namespace postigo
