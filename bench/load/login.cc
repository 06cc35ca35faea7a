// Mode `login`: whole sessions, from connect() to the server's end. Closed loop (each client begins again at once), or
// with --rate an open one: sessions begin when their time has come, and a late begin counts as waiting.
#include <cmath>
#include <deque>

#include "bench/load/worker.h"

namespace postigo::bench {
namespace {

class Login final : public Worker {
 public:
  Login(const Options& options, SSL_CTX* tls, uint64_t number)
      : Worker(options, tls, number),
        rate_(options.rate / static_cast<double>(options.threads)),
        random_(0x9e3779b97f4a7c15 + number) {}

  void prepare() override;
  void measure() override;
  void release() override {}

 private:
  void finished(Client& client, Client::Did what) override;
  void gone(Client& client) override;
  int64_t tick(int64_t now) override;

  void next(Client& client);
  void dispatch();
  int64_t interval();

  double rate_;
  uint64_t random_;
  bool open_loop_ = false;
  int64_t next_arrival_ = 0;
  std::deque<int64_t> waiting_;  // when sessions should have begun
  std::vector<Client*> free_;
};

// With tickets, each client must have one before the clock starts.
void Login::prepare() {
  uint64_t units = options_.warmup;
  if (options_.resume()) units = std::max(units, options_.clients);
  if (units == 0) return;
  allow(units);
  for (auto& client : clients_) next(*client);
}

void Login::measure() {
  numbers_.restart();
  measuring_ = true;
  allow(options_.count);
  open_loop_ = rate_ > 0;
  if (!open_loop_) {
    for (auto& client : clients_) next(*client);
    return;
  }
  for (auto& client : clients_) free_.push_back(client.get());
  next_arrival_ = now_ns() + interval();
  ++active_;  // the arrivals
}

void Login::next(Client& client) {
  if (open_loop_) {
    rest(client);
    free_.push_back(&client);
    return dispatch();
  }
  take() ? connect(client, now_ns()) : rest(client);
}

void Login::finished(Client& client, Client::Did what) {
  if (what == Client::Did::greeting) return login(client);
  if (what == Client::Did::login) {
    if (measuring_) numbers_.latencies.add(now_ns() - client.began_ns);
    return client.logout();
  }
  if (measuring_) ++numbers_.units;
  next(client);
}

void Login::gone(Client& client) { next(client); }

int64_t Login::tick(int64_t now) {
  if (!open_loop_) return kTurnNs;
  while (next_arrival_ != 0 && next_arrival_ <= now) {
    if (take()) {
      waiting_.push_back(next_arrival_);
      next_arrival_ += interval();
    } else {
      next_arrival_ = 0;
      --active_;
    }
  }
  if (over()) waiting_.clear();
  dispatch();
  return next_arrival_ == 0 ? kTurnNs : next_arrival_ - now_ns();
}

void Login::dispatch() {
  while (!waiting_.empty() && !free_.empty()) {
    Client* client = free_.back();
    free_.pop_back();
    connect(*client, waiting_.front());
    waiting_.pop_front();
  }
}

// Poisson: mail clients do not agree on when to come.
int64_t Login::interval() {
  random_ ^= random_ << 13;
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  double uniform = static_cast<double>((random_ >> 11) + 1) / 9007199254740993.0;
  return static_cast<int64_t>(-std::log(uniform) * 1e9 / rate_) + 1;
}

}  // namespace

std::unique_ptr<Worker> login_worker(const Options& options, SSL_CTX* tls, uint64_t number) {
  return std::make_unique<Login>(options, tls, number);
}

}  // namespace postigo::bench
