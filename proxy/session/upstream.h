// Upstream: one attempt after another to log the user in at the candidates that the router named, each by a Dialer. The
// first that says yes wins; one that says no ends it; one that cannot now is passed over.
//
// Owned by a Login, which is its Client. Confined to the worker's thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backends/balance/admittance.h"
#include "backends/ledger/candidates.h"
#include "parser/back.h"
#include "proxy/base/stats.h"
#include "proxy/session/dialer.h"
#include "proxy/session/keys.h"
#include "proxy/snapshot.h"

namespace postigo {

class Session;

class Upstream final : public Dialer::Client {
 public:
  class Client {
   public:
    // `leftover`: what the backend said behind its OK; valid for the rest of this turn, like `back`.
    virtual void upstream_ready(SocketPtr socket, BackDialogue& back, Bytes leftover) = 0;
    // `alerts`: what the backend wants the user to read (BackDialogue::alerts).
    virtual void upstream_refused(const BackendReply& reply, std::vector<std::string> alerts) = 0;
    virtual void upstream_unavailable(BackendError error, const std::string& why,
                                      std::vector<std::string> alerts) = 0;  // no candidate left
    virtual void upstream_undecided() = 0;   // nobody could say in time where the user may be
    virtual void upstream_overflowed() = 0;  // what was to be said to the backend does not fit in Out
   protected:
    ~Client() = default;
  };

  // How long it asks the ledger for an answer, and how often.
  static constexpr uint64_t kLedgerPatienceMs = 1'500, kLedgerTickMs = 100;

  Upstream(Client& client, Session& session, Candidates&& way, Keys&& keys);

  void start();
  void abandon();                                           // nothing calls back any more
  void deadline();                                          // the phase took too long: on to the next candidate
  BackendState& state() const { return *backend_->state; }  // of the current candidate
  bool has_choice() const { return way_.route().candidates.size() > 1; }
  bool was_held() const { return held_; }  // at the last candidate, by sessions of the user
  std::string_view state_name() const { return dialer_ != nullptr ? dialer_->state_name() : "connecting"; }

 private:
  void try_candidate();
  void leave();   // this candidate
  bool let_in();  // the circuit breaker
  void ask_to_go();
  void sit_down();  // a place, and off it goes
  void dial();
  void dial_afresh();  // not by one that was ready
  bool was_stale(BackendError error) const;
  void wait_on_ready();
  void settle_ready(ReadyResult result);
  bool is_slow() const;
  bool may_serve(const config::Backend& other) const;
  bool another_may_serve() const;
  bool another_has_room() const;
  bool is_shut();  // out of service, and that is told
  std::string blamed() const;
  // What this login has met there.
  void met(bool good, Depth depth, const std::string& why);
  SharedHealth& health() const;
  uint64_t now_ms() const;
  void give_up(BackendError error, const std::string& why);  // of this candidate
  void go_on();                                              // to the next one
  void settle();                                             // the backend has said yes
  void note_capabilities();
  void ask_again(void (Upstream::*what)(), Phase phase);  // the ledger says `later`
  void tell(BackendError error, const std::string& why);
  uint64_t ms_left() const;  // for TLS and login together, within the session's own time

  void dial_entered(Phase phase) override;
  Dialer::Words dial_words() override;
  void dial_greeted() override;
  void dial_stepped(std::string_view state, Event event) override;
  void dialed(SocketPtr socket, Bytes leftover) override;
  void dial_refused() override;
  void dial_failed(BackendError error, const std::string& why) override;
  void dial_overflowed() override { client_.upstream_overflowed(); }

  std::vector<std::string> alerts() const;
  const config::Backend& backend() const { return backend_->settings; }
  BackendStats& stats();
  Outage& outage() { return backend_->state->outage; }

  Client& client_;
  Session& session_;
  Candidates way_;
  Keys keys_;
  Admittance admittance_;  // at the current candidate
  Places::Seat seat_;      // there, once it is dialled
  Health::Trial trial_ = 0;
  bool held_ = false;
  bool silence_told_ = false;         // it has said nothing for a while, and its health knows
  const Backend* backend_ = nullptr;  // the current candidate
  std::unique_ptr<Dialer> dialer_;    // at it
  bool on_ready_ = false;             // which was ready before this login came
  SocketPtr socket_;                  // the backend has said yes
  std::string leftover_;              // what it said behind that
  struct Failure {
    BackendError error{};
    std::string why;
    std::vector<std::string> alerts;
  };
  Failure failure_;                      // of the candidate before this one
  void (Upstream::*again_)() = nullptr;  // what the ledger is to be asked again
  uint64_t asks_since_ms_ = 0;
};

}  // namespace postigo
