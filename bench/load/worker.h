// One thread of the load: its loop, its clients, its share of the work. The modes derive from it and say what follows
// what. Not here: when phases begin (run.cc).
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "bench/load/client.h"
#include "bench/load/numbers.h"
#include "bench/load/options.h"

namespace postigo::bench {

class Worker : public Client::Director {
 public:
  Worker(const Options& options, SSL_CTX* tls, uint64_t number);
  virtual ~Worker() = default;

  // The phases. Each begins its work and returns; run() does it.
  virtual void prepare() = 0;  // everything up to the moment at which the clock starts
  virtual void measure() = 0;
  virtual void release();  // a polite end of the sessions that are ready
  // Until the work is done. After `seconds` nothing new begins; what is not done soon after that is a timeout.
  void run(double seconds);

  struct TlsFacts {
    std::string version, cipher, group;
  };
  const Numbers& numbers() const { return numbers_; }
  const TlsFacts& facts() const { return facts_; }

 protected:
  // A client's connection is lost, or was never there.
  virtual void gone(Client& client) = 0;
  // Called in each turn; returns how long the loop may sleep.
  virtual int64_t tick(int64_t now) {
    (void)now;
    return kTurnNs;
  }

  // This worker's part of what all workers share.
  uint64_t share(uint64_t all) const;
  // So many units in all; 0: no limit but time.
  void allow(uint64_t all);
  bool take();
  bool over() const { return over_; }

  void begin(Client& client, int64_t began_ns);
  void rest(Client& client);
  void connect(Client& client, int64_t began_ns);
  void login(Client& client);
  // One unit is done.
  void count(const Client& client, uint64_t bytes);

  static constexpr int64_t kTurnNs = 100'000'000;

  const Options& options_;
  Loop loop_;
  std::vector<std::unique_ptr<Client>> clients_;
  Numbers numbers_;
  bool measuring_ = false;  // units and latencies count
  uint64_t active_ = 0;     // clients with a unit under way, and whatever else run() must wait for

 private:
  void failed(Client& client, Error error) final;
  void wrong_octets() final { numbers_.failed(Error::checksum); }
  void shaken_hands(const SSL* ssl) final;
  void abandon();

  Stream::Target target_;
  uint64_t number_;
  uint64_t units_left_ = 0;
  uint64_t next_user_, next_source_;
  bool over_ = false;
  std::string user_;
  TlsFacts facts_;
};

std::unique_ptr<Worker> login_worker(const Options& options, SSL_CTX* tls, uint64_t number);
std::unique_ptr<Worker> mixed_worker(const Options& options, SSL_CTX* tls, uint64_t number);
std::unique_ptr<Worker> commands_worker(const Options& options, SSL_CTX* tls, uint64_t number);

}  // namespace postigo::bench
