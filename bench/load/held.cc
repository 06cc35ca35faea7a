// See held.h. `ready` means here: waits in IDLE.
#include "bench/load/held.h"

namespace postigo::bench {

void Held::prepare() {
  next_ = 0;
  fill();
}

void Held::fill() {
  while (active_ < limit_ && next_ < clients_.size() && !over()) connect(*clients_[next_++], now_ns());
}

void Held::hold(const std::atomic<bool>& go_on) {
  while (!go_on) loop_.turn(kTurnNs / 2);
}

void Held::measure() {
  measuring_ = !storming_;  // the numbers of a storm are those of the logins
  for (auto& client : clients_) {
    if (!client->ready) continue;
    begin(*client, now_ns());
    client->done();
    client->flush();
  }
}

void Held::storm() {
  numbers_.restart();
  measuring_ = storming_ = true;
  for (auto& client : clients_) {
    client->close();
    client->ready = false;
  }
  held_ = 0;
  limit_ = clients_.size();
  prepare();
}

void Held::finished(Client& client, Client::Did what) {
  switch (what) {
    case Client::Did::greeting:
      return login(client);
    case Client::Did::login:
      if (storming_) count(client, 0);
      return client.idle();
    case Client::Did::idle:
      client.ready = true;
      ++held_;
      break;
    case Client::Did::done:
      ++answered_;
      if (!storming_) count(client, 0);
      break;
    default:
      break;
  }
  rest(client);
  fill();
}

void Held::gone(Client& client) {
  rest(client);
  fill();
}

}  // namespace postigo::bench
