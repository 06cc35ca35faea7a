// Relay: both directions after login, through the protocol's filter, with back-pressure and half-close.
//
// Owned by its Session; owns the backend's socket and the filter. An idle relay holds no bytes. Confined to the
// worker's thread. It decides when the session is over and calls Session::close or abort; it survives that to the end
// of the turn.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "parser/dialogue.h"
#include "proxy/base/stats.h"
#include "proxy/net/socket.h"

namespace postigo {

class Session;

class Relay final : public Socket::Owner {
 public:
  Relay(Session& session, SocketPtr backend, size_t backend_index, std::unique_ptr<RelayFilter> filter);
  ~Relay();

  // What either side sent ahead of the relay goes first, in order, once (T18).
  void start(Bytes from_client, Bytes from_backend, bool client_ended);

  void from_client(Bytes data);
  void client_ended();
  void client_failed(const std::string& why);
  void client_drained();
  void deadline();
  void shut_down();
  void abandon() { backend_.reset(); }  // the session closes: the backend hears the end, nothing calls back

  uint64_t commands() const { return filter_->commands(); }
  uint64_t idle_timeout_ms() const;

 private:
  void pump_client(Bytes data);
  void pump_backend(Bytes data);
  void retry_held();
  void touch();
  bool complete() const;
  void backend_over(bool clean, const std::string& why);

  void on_data(Socket& socket, Bytes data) override;  // from the backend
  void on_eof(Socket& socket, bool clean) override;
  void on_failed(Socket& socket, const std::string& why) override;
  void on_drained(Socket& socket) override;

  Session& session_;
  SocketPtr backend_;
  std::unique_ptr<RelayFilter> filter_;
  std::unique_ptr<std::string> held_;  // client bytes that wait for the backend's word; almost never there
  uint64_t active_ms_;
  BackendStats& numbers_;
  bool client_ended_ = false;
};

}  // namespace postigo
