// Mode `mixed`: each client draws a kind of session (day.h), does what belongs to it, logs out and draws again. A unit
// is one command that was answered, login and logout included. The same numbers are drawn in each run.
#include <deque>

#include "bench/load/day.h"
#include "bench/load/worker.h"

namespace postigo::bench {
namespace {

class Mixed final : public Worker {
 public:
  Mixed(const Options& options, SSL_CTX* tls, uint64_t number)
      : Worker(options, tls, number), random_(0x2545f4914f6cdd1d + number) {}

  void prepare() override { start(options_.warmup, options_.warmup > 0); }
  void measure() override {
    numbers_.restart();
    measuring_ = true;
    start(options_.count, true);
  }
  void release() override {}

 private:
  struct Waiting {
    Client* client;
    int64_t until_ns;
  };

  void start(uint64_t units, bool any) {
    if (!any) return;
    allow(units);
    for (auto& client : clients_) next_session(*client);
  }

  void finished(Client& client, Client::Did what) override;
  void gone(Client& client) override;
  int64_t tick(int64_t now) override;

  void next_session(Client& client);
  void next_command(Client& client);
  uint32_t draw() {
    random_ ^= random_ << 13;
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    return static_cast<uint32_t>((random_ >> 33) % 100);
  }
  template <class Table>
  const auto& draw_from(const Table& table) {
    uint32_t drawn = draw();
    size_t i = 0;
    while (drawn >= table[i].percent) drawn -= table[i++].percent;
    return table[i];
  }

  uint64_t random_;
  std::deque<Waiting> waiting_;  // in IDLE; all for the same time, hence in order
};

// Commands are what is counted, but sessions are what is begun: the last ones go on to their end.
void Mixed::next_session(Client& client) {
  if (!take()) return rest(client);
  const KindOfSession& session = draw_from(kSessions);
  bool possible = options_.imap() || session.kind != SessionKind::file;
  client.kind = static_cast<uint32_t>(possible ? session.kind : SessionKind::poll);
  client.left = session.commands;
  connect(client, now_ns());
}

void Mixed::next_command(Client& client) {
  begin(client, now_ns());
  if (client.left == 0) return client.logout();
  --client.left;
  switch (static_cast<SessionKind>(client.kind)) {
    case SessionKind::poll:
      return client.noop();
    case SessionKind::wait:
      return client.idle();
    case SessionKind::read:
      client.message = draw_from(kSizes).octets;
      return client.fetch(client.message);
    case SessionKind::file:
      client.message = draw_from(kSizes).octets;
      return client.append(client.message, options_.literal_plus);
  }
}

void Mixed::finished(Client& client, Client::Did what) {
  if (what == Client::Did::greeting) return login(client);
  if (what == Client::Did::idle) {
    waiting_.push_back({&client, now_ns() + kWaitNs});
    return;
  }
  bool message = what == Client::Did::fetch || what == Client::Did::append;
  count(client, message ? client.message : 0);
  if (what == Client::Did::logout) return next_session(client);
  if (what != Client::Did::login) take();
  next_command(client);
}

void Mixed::gone(Client& client) {
  std::erase_if(waiting_, [&](const Waiting& each) { return each.client == &client; });
  next_session(client);
}

int64_t Mixed::tick(int64_t now) {
  while (!waiting_.empty() && (waiting_.front().until_ns <= now || over())) {
    Client& client = *waiting_.front().client;
    waiting_.pop_front();
    begin(client, now);
    client.done();
    client.flush();
  }
  return waiting_.empty() ? kTurnNs : waiting_.front().until_ns - now;
}

}  // namespace

std::unique_ptr<Worker> mixed_worker(const Options& options, SSL_CTX* tls, uint64_t number) {
  return std::make_unique<Mixed>(options, tls, number);
}

}  // namespace postigo::bench
