// Modes `fetch`, `append` and `noop`: every client logs in once and then says the same command again and again.
#include "bench/load/worker.h"

namespace postigo::bench {
namespace {

class Commands final : public Worker {
 public:
  using Worker::Worker;

  // Each client logs in, then takes part in the warm-up.
  void prepare() override {
    if (options_.warmup > 0) allow(options_.warmup);
    for (auto& client : clients_) connect(*client, now_ns());
  }
  void measure() override {
    measuring_ = true;
    allow(options_.count);
    for (auto& client : clients_) {
      if (!client->ready) continue;
      next(*client);
      client->flush();
    }
  }

 private:
  void finished(Client& client, Client::Did what) override {
    switch (what) {
      case Client::Did::greeting:
        return login(client);
      case Client::Did::logout:
        return rest(client);
      case Client::Did::login:
        client.ready = true;
        return next(client);
      default:
        count(client, what == Client::Did::noop ? 0 : options_.size);
        return next(client);
    }
  }

  // Nobody takes the place of a client that is lost: the others share its work.
  void gone(Client& client) override { rest(client); }

  void next(Client& client) {
    if (!take()) return rest(client);
    begin(client, now_ns());
    if (options_.mode == "noop") return client.noop();
    if (options_.mode == "fetch") return client.fetch(options_.size);
    client.append(options_.size, options_.literal_plus);
  }
};

}  // namespace

std::unique_ptr<Worker> commands_worker(const Options& options, SSL_CTX* tls, uint64_t number) {
  return std::make_unique<Commands>(options, tls, number);
}

}  // namespace postigo::bench
