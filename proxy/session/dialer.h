// Dialer: one attempt at one backend: its name, a connection to the first of its addresses that answers
// (net/race), a PROXY header, TLS, the dialogue. What comes of it is told to its Client; it knows no other candidate
// and no client's session.
//
// Owned by its Client, who has the clock: the Dialer tells which step begins, and is told when that took too long. One
// that is parked may go on for another Client, who then owns it. After it has told an end nothing calls back any more.
// Confined to one loop's thread, whichever that is.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/balance/health.h"
#include "parser/protocol.h"
#include "proxy/base/phase.h"
#include "proxy/base/stats.h"
#include "proxy/net/race.h"
#include "proxy/net/resolver.h"
#include "proxy/net/socket.h"
#include "proxy/session/backend_channel.h"
#include "proxy/session/input.h"
#include "proxy/snapshot.h"

namespace postigo {

class Dialer final : public Socket::Owner, Race::Client {
 public:
  // How far it goes. secured: as connected, if there is no TLS. ready: all but the login. parked: the same, and it
  // waits for go_on().
  enum class Until : uint8_t { connected, secured, ready, parked, logged_in };
  // What is said once there is a connection.
  struct Words {
    std::string proxy_header;  // empty: none
    BackLogin login;
    Until until = Until::logged_in;
  };
  class Client {
   public:
    virtual void dial_entered(Phase phase) = 0;  // connect, backend_tls, backend_login
    virtual Words dial_words() = 0;              // once it is connected
    virtual void dial_greeted() {}               // the backend has spoken, and means to go on
    virtual void dial_stepped(std::string_view state, Event event) {
      static_cast<void>(state), static_cast<void>(event);
    }
    virtual void dial_parked() {}  // no end: the backend may still go, which is told as a failure
    // --- the ends: one of them ---
    // It came as far as it was to. `leftover`: what the backend said behind its OK; valid for the rest of this turn.
    virtual void dialed(SocketPtr socket, Bytes leftover) = 0;
    virtual void dial_refused() = 0;  // it says no to this user: back().reply()
    virtual void dial_failed(BackendError error, const std::string& why) = 0;
    virtual void dial_overflowed() = 0;  // what was to be said does not fit in Out

   protected:
    ~Client() = default;
  };
  // All outlive it.
  struct Means {
    Loop& loop;
    Resolver& resolver;
    BackendStats& stats;
  };

  Dialer(Client& client, Means means, const Backend& backend, const Protocol& protocol);

  void start();
  // The login, for this client. REQUIRES: it is fit.
  void go_on(Client& client);
  // It is parked, and the backend has neither said anything nor ended, as far as the kernel knows.
  bool fit() const { return parked_ && socket_->quiet(); }
  void abandon();   // nothing calls back any more
  void deadline();  // the step took too long

  // What such a failure says of the backend, after what was reached; none: nothing, it is ours.
  std::optional<Depth> depth_of(BackendError error) const;

  Phase phase() const { return phase_; }
  bool greeted() const { return greeted_; }
  uint64_t connected_ms() const { return connected_ms_; }  // by the loop's clock
  BackDialogue* back() { return back_.get(); }             // null before it is connected
  Socket* socket() { return socket_.get(); }               // null before, and after dialed()
  SocketPtr take_socket() { return std::move(socket_); }   // after an end, for a good-bye
  std::string_view state_name() const { return back_ != nullptr ? back_->state_name() : "connecting"; }
  std::string with_hint(const std::string& why) const;

 private:
  void enter(Phase phase);
  void resolved(Resolver::Answer answer);
  void connect(std::vector<Address> addresses);
  bool has_source_for(const Address& address) const;
  int begin_to(const Address& address);  // as Socket::begin, from each of the backend's source addresses in turn
  void lost(BackendError error, const std::string& why);
  void start_tls();
  bool step();  // false: wait, or this object is done
  void park();
  bool flush(Out& out);  // false: it was too much, and this object is done

  void race_won(SocketPtr socket) override;
  void race_lost(int begun, const std::string& why) override;
  void on_secured(Socket& socket) override;
  void on_data(Socket& socket, Bytes data) override;
  void on_eof(Socket& socket, bool clean) override;
  void on_failed(Socket& socket, const std::string& why) override;

  const config::Backend& settings() const { return backend_.settings; }

  Client* client_;
  Means means_;
  const Backend& backend_;
  const Protocol& protocol_;
  Ticket resolving_;
  Race race_;  // to its addresses
  SocketPtr socket_;
  BackendChannel channel_{socket_};
  std::unique_ptr<BackDialogue> back_;
  Input input_;
  Phase phase_ = Phase::connect;
  bool starttls_ = false;
  Until until_ = Until::logged_in;
  bool greeted_ = false;
  bool parked_ = false;
  uint64_t connect_start_us_ = 0;
  uint64_t connected_us_ = 0;
  uint64_t connected_ms_ = 0;
};

}  // namespace postigo
