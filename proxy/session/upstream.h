// Upstream: one attempt after another to log the user in at the candidates that the router named: resolve, connect,
// TLS, dialogue. The first that says yes wins; one that says no ends it; one that cannot now is passed over.
//
// Owned by a Login, which is its Client. Confined to the worker's thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backends/router.h"
#include "parser/dialogue.h"
#include "proxy/base/stats.h"
#include "proxy/net/resolver.h"
#include "proxy/net/socket.h"
#include "proxy/session/input.h"
#include "proxy/session/places.h"
#include "proxy/snapshot.h"

namespace postigo {

class Session;

class Upstream final : public Socket::Owner {
 public:
  class Client {
   public:
    // `leftover`: what the backend said behind its OK; valid for the rest of this turn, like `back`.
    virtual void upstream_ready(SocketPtr socket, BackDialogue& back, Bytes leftover) = 0;
    // `alerts`: what the backend wants the user to read (BackDialogue::alerts).
    virtual void upstream_refused(const BackendReply& reply, std::vector<std::string> alerts) = 0;
    virtual void upstream_unavailable(BackendError error, const std::string& why,
                                      std::vector<std::string> alerts) = 0;  // no candidate left
    virtual void upstream_overflowed() = 0;  // what was to be said to the backend does not fit in Out
   protected:
    ~Client() = default;
  };

  Upstream(Client& client, Session& session, Route route, BackLogin login);

  void start();
  void abandon();                                           // nothing calls back any more
  void deadline();                                          // the phase took too long: on to the next candidate
  BackendState& state() const { return *backend_->state; }  // of the current candidate
  std::string_view state_name() const { return back_ != nullptr ? back_->state_name() : "connecting"; }

 private:
  void try_candidate();
  void resolved(Resolver::Answer answer);
  void connect_next();
  int begin_to(const Address& address);  // as Socket::begin, from each of the backend's source addresses in turn
  void send_proxy_header();
  void not_connected(const std::string& why);                // to the newest address
  void give_up(BackendError error, const std::string& why);  // of this candidate
  void lost(BackendError error, const std::string& why);     // its connection, or its time
  std::string with_hint(const std::string& why) const;
  void refused();
  void start_tls();
  void begin_dialogue();
  uint64_t ms_left() const;  // for TLS and login together, within the session's own time
  bool step();               // false: wait, or this object is done
  bool flush(Out& out);      // false: it was too much, and this object is done

  void on_connected(Socket& socket) override;
  void on_secured(Socket& socket) override;
  void on_data(Socket& socket, Bytes data) override;
  void on_eof(Socket& socket, bool clean) override;
  void on_failed(Socket& socket, const std::string& why) override;

  std::vector<std::string> alerts() const;
  const config::Backend& backend() const { return backend_->settings; }
  BackendStats& stats();
  Outage& outage() { return backend_->state->outage; }

  Client& client_;
  Session& session_;
  Route route_;
  BackLogin login_;
  Places::Seat seat_;  // at the current candidate
  Ticket resolving_;
  std::vector<Address> addresses_;
  size_t candidate_ = 0;
  const Backend* backend_ = nullptr;  // the current candidate
  size_t address_ = 0;
  int begun_ = 0;  // the descriptor of the newest connection, or -errno
  SocketPtr socket_;
  std::unique_ptr<BackDialogue> back_;
  Input input_;
  uint64_t connect_start_us_ = 0;
  uint64_t login_start_us_ = 0;
  bool starttls_ = false;
  uint64_t login_start_ms_ = 0;
  std::string last_failure_;
};

}  // namespace postigo
