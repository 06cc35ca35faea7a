// Session: one client connection from accept to the log line. It owns the client's socket, the phase, the one deadline,
// and one Stage after the other, which says what happens.
//
// Its host (a worker) owns it, in a list. There is one exit, close(): idempotent, it never frees; retire() hands the
// memory to the loop's graveyard when the client's socket is done. Confined to the worker's thread.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "backends/ledger/bonds.h"
#include "backends/ledger/counted_seat.h"
#include "proxy/base/list.h"
#include "proxy/base/phase.h"
#include "proxy/net/socket.h"
#include "proxy/net/timer_wheel.h"
#include "proxy/session/login_memory.h"
#include "proxy/session/stage.h"
#include "proxy/session/summary.h"
#include "proxy/snapshot.h"

namespace postigo {

class Host;
struct SessionTag {};

class Session final : public Socket::Owner, public LoginMemory::Holder, public ListNode<SessionTag> {
 public:
  // `refused`: over the limit; the client is told so politely and closed. `number`: grows from session to session of
  // the host.
  Session(Host& host, std::shared_ptr<const Frontend> frontend, bool refused, uint64_t number = 0);
  ~Session();

  void accept(int fd, const Address& peer);  // what a Listener accepted
  // It will be told so politely, as soon as that is possible; false: too many are being told, and it is closed already.
  bool refuse(CloseReason why);
  void count_at_door(CountedSeat seat) { door_seat_ = std::move(seat); }  // of its listener, while it is open
  void begin();  // a PROXY header, TLS or the greeting; may close

  // --- for its stages ---
  Host& host() { return host_; }
  const Frontend& frontend() const { return *frontend_; }
  const Snapshot& snapshot() const { return *snapshot_; }  // REQUIRES: no relay has begun
  // Those that it began under until the login is over; from then on the host's newest.
  const config::Limits& limits() const;
  Socket* client() { return client_.get(); }  // null once the client is gone
  Summary& summary() { return summary_; }
  std::unique_ptr<Bonds::Bond>& bond() { return bond_; }  // null: its pool has no affinity, or there is no login
  Phase phase() const { return phase_; }
  uint64_t number() const { return number_; }
  bool secure() const { return client_ != nullptr && client_->tls() != nullptr; }

  void enter(Phase phase, uint64_t deadline_ms);  // the only writer of the phase; arms the deadline
  void rearm(uint64_t deadline_ms);
  uint64_t login_ms_left() const;
  bool reached(Limit limit);  // counts it; true: there is one
  void count_memory();        // before login: what it holds may have changed
  // The only place where the stage changes; the one before lives to the end of the turn.
  template <typename T>
  T& become(std::unique_ptr<T> next) {
    T& stage = *next;
    replace(std::move(next));
    return stage;
  }
  // Counted under the limits of its user, from now to its end. False, and that is counted: he has as many as he may.
  bool seat_user(std::string_view pool, const Identity& identity);
  // For whom a proxy speaks is known: limits of addresses are about him. False, and that is counted: he is one too
  // many.
  bool admit_told();
  void unseat_user() { user_seat_.release(); }  // it is not his after all
  void begin_dialogue(Bytes received = {});     // TLS or the greeting; `received`: what came behind a PROXY header
  void begin_login();                           // the greeting
  void start_tls(Bytes received);               // STARTTLS: the login goes on behind it
  // The backend said yes: the login is over, bytes flow.
  void begin_relay(SocketPtr backend, BackendState& where, std::span<const std::string> capabilities, Bytes from_client,
                   Bytes from_backend, bool client_ended);

  // The one exit. After it only the client's last bytes and its FIN are waited for, within limits.close_timeout; longer
  // only while it takes some of what is unsent.
  void close(CloseReason reason, std::string detail = {});
  // Close without FIN: the client must not take what it got for complete.
  void abort(CloseReason reason, std::string detail = {});
  bool closing() const { return phase_ == Phase::closing; }
  // The instance stops: say good-bye where the protocol allows, then close, and wait for nobody for long.
  void shut_down(CloseReason why = CloseReason::shutting_down);
  // Good-bye from then on, as soon as it cuts no response; see Relay::leave_at. REQUIRES: relaying().
  void leave_at(uint64_t at_ms, CloseReason why = CloseReason::shutting_down);
  bool relaying() const { return phase_ == Phase::relay; }
  void cut_off();  // at once, also if it is closing; what is unsent is lost, and that is told by a reset
  // The client went away, but bytes for the backend are still on their way (T51): close() follows.
  void drop_client() { client_.reset(); }
  void retire();  // the end: nothing is left to wait for. REQUIRES: closing()

 private:
  void on_data(Socket& socket, Bytes data) override;
  void on_eof(Socket& socket, bool clean) override;
  void on_failed(Socket& socket, const std::string& why) override;
  void on_secured(Socket& socket) override;
  void on_drained(Socket& socket) override;
  void on_ending(Socket& socket, const std::string& broken) override;
  void on_partial(Socket&) override { count_memory(); }
  void make_room() override;
  void replace(std::unique_ptr<Stage> next);
  bool admit();                                             // false: it is closed already
  uint64_t time_to_leave(const BackendState& where) const;  // for a relay that begins now
  void end_stage(CloseReason reason, std::string detail);

  Host& host_;
  std::shared_ptr<const Frontend> frontend_;
  std::shared_ptr<const Snapshot> snapshot_;  // pins what routes point into; null once the login is over
  SocketPtr client_;
  Timer deadline_;
  std::unique_ptr<Stage> stage_;  // null before begin()
  Summary summary_;
  std::unique_ptr<Bonds::Bond> bond_;  // from the login on; given back where the session closes
  enum class Unwanted : uint8_t { no, over_limit, counted };
  const uint64_t number_ : 40;  // with the next three in eight octets
  Phase phase_ = Phase::preamble;
  Unwanted refused_;  // to be told so
  CloseReason refusal_ = CloseReason::session_limit;
  Seats::Seat place_, user_seat_;
  CountedSeat door_seat_;
};

}  // namespace postigo
