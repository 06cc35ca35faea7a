// Probe: one look at one backend for one protocol, as far as its level goes; then a good-bye, because servers write a
// line about those who leave without one.
//
// Owned by whoever is its Client, on his loop's thread. It has its own time-out, and pins the snapshot that it is of.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "backends/balance/health.h"
#include "proxy/net/timer_wheel.h"
#include "proxy/session/dialer.h"

namespace postigo {

class Probe final : public Dialer::Client, public Socket::Owner {
 public:
  struct Verdict {
    bool good = false;
    Depth depth = Depth::connect;  // reached, or where it failed
    std::string why;
    bool refused = false;  // good, but the account cannot log in
    std::string code;      // as the backend said it
  };
  class Client {
   public:
    // None: what went wrong is ours. The good-bye follows.
    virtual void probe_knows(Probe& probe, const std::optional<Verdict>& verdict) = 0;
    virtual void probe_over(Probe& probe) = 0;  // it may be buried

   protected:
    ~Client() = default;
  };
  struct Order {
    std::shared_ptr<const Snapshot> snapshot;
    const Backend* backend;  // of it
    const Protocol* protocol;
    Health::Trial trial = 0;
  };

  Probe(Client& client, Dialer::Means means, Order order);

  static uint64_t patience_ms(const Order& order);  // from its start to its verdict, at most

  void start();
  void abandon();
  const Order& order() const { return order_; }

 private:
  void know(const std::optional<Verdict>& verdict);
  void say_goodbye(SocketPtr socket);
  void over();
  void too_late();

  void dial_entered(Phase) override {}
  Dialer::Words dial_words() override;
  void dial_greeted() override;
  void dialed(SocketPtr socket, Bytes leftover) override;
  void dial_refused() override;
  void dial_failed(BackendError error, const std::string& why) override;
  void dial_overflowed() override { dial_failed(BackendError::master_refused, ""); }

  void on_data(Socket& socket, Bytes data) override;
  void on_eof(Socket& socket, bool clean) override;
  void on_failed(Socket& socket, const std::string& why) override;

  Client& client_;
  Loop& loop_;
  Order order_;
  Dialer dialer_;
  Timer patience_;
  SocketPtr socket_;  // once the dialer is through
  std::string heard_;
  bool known_ = false;
};

}  // namespace postigo
