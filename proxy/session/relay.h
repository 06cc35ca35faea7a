// Relay: both directions after login, through the protocol's filter, with back-pressure and half-close.
//
// The stage of a Session that is logged in; owns the backend's socket and the filter. An idle relay holds no bytes.
// Confined to the worker's thread. It decides when the session is over.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "parser/relay_filter.h"
#include "proxy/base/phase.h"
#include "proxy/base/stats.h"
#include "proxy/fleet.h"
#include "proxy/net/socket.h"
#include "proxy/net/timer_wheel.h"
#include "proxy/session/stage.h"
#include "proxy/session/trace.h"

namespace postigo {

class Relay final : public Stage, public Socket::Owner {
 public:
  Relay(Session& session, SocketPtr backend, BackendState& where, std::unique_ptr<RelayFilter> filter);
  ~Relay() override;

  // What either side sent ahead of the relay goes first, in order, once (T18).
  void start(Bytes from_client, Bytes from_backend, bool client_ended);

  uint64_t timeout_ms() const;  // without an octet that moves

  void received(Bytes data) override;
  void client_ended() override;
  void client_failed(const std::string& why) override;
  void client_ending() override { end_ahead(); }
  void client_drained() override;
  void deadline() override;
  void shut_down(CloseReason why) override;
  // From then on it ends where that cuts no response, and is waited for so long: it may never come (T46). kStays takes
  // it back. For one reason it can be told again and again; for another one only what is sooner counts, so that what
  // takes a drain back leaves alone who was kicked.
  static constexpr uint64_t kStays = UINT64_MAX;
  void leave_at(uint64_t at_ms, CloseReason why) override;
  void sum_up(Summary& summary) const override;
  void abandon() override;  // the backend hears the end

 private:
  // What the filter keeps back of the client's octets: an incomplete line, or what may pass only after the backend has
  // spoken. Almost never there.
  struct Kept {
    explicit Kept(Relay& relay) : patience(out_of_patience, &relay) {}
    std::string octets;
    uint64_t since_ms = 0;  // nothing of it has passed since
    Timer patience;
  };

  // The backend is gone, and many others lose it too: the client hears of it when its turn has come.
  struct Lost {
    bool clean;
    std::string why;
    uint64_t until_ms;
  };

  size_t offer(Bytes data);
  void offer_kept();
  void keep(Bytes data);
  void be_patient();
  void client_done();
  static void out_of_patience(void* self);
  void pump_backend(Bytes data);
  void trace(Trace::Way way, std::span<const Bytes> octets) const;
  bool is_full(const Socket& peer) const;  // as much is unsent to it as may be
  size_t high_water() const;
  void touch();
  void wait();
  bool complete() const;
  bool may_leave() const;
  void end_ahead();
  void end(CloseReason reason, Farewell words);
  void lose_backend(bool clean, const std::string& why);
  void backend_over(bool clean, const std::string& why);

  void on_data(Socket& socket, Bytes data) override;  // from the backend
  void on_eof(Socket& socket, bool clean) override;
  void on_failed(Socket& socket, const std::string& why) override;
  void on_drained(Socket& socket) override;
  void on_ending(Socket&, const std::string&) override { end_ahead(); }

  SocketPtr backend_;
  std::unique_ptr<RelayFilter> filter_;
  std::unique_ptr<Kept> kept_;
  std::unique_ptr<Lost> lost_;
  uint64_t active_ms_;
  uint64_t leave_ms_ = kStays;
  uint64_t taken_ = 0;  // of both sockets, when the deadline looked last
  BackendState& where_;
  BackendStats& numbers_;
  bool client_ended_ = false;
  bool blocked_ = false;    // what is kept waits for the backend, not for the client
  bool end_ahead_ = false;  // one side has ended, as far as the kernel knows
  CloseReason leave_why_ = CloseReason::shutting_down;
};

}  // namespace postigo
