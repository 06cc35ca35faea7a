// Login: from the greeting to the moment when bytes may flow. Drives the front dialogue, asks the directories, asks the
// router, and lets an Upstream find a backend. Freed when the relay starts: an idle session pays for none of it.
//
// A stage of its Session, confined to the worker's thread. Never completes anything from inside the call that started
// it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backends/directory.h"
#include "backends/ledger/holds.h"
#include "backends/router.h"
#include "parser/back.h"
#include "parser/front.h"
#include "proxy/base/stats.h"
#include "proxy/net/timer_wheel.h"
#include "proxy/session/facts.h"
#include "proxy/session/gate.h"
#include "proxy/session/input.h"
#include "proxy/session/stage.h"
#include "proxy/session/upstream.h"

namespace postigo {

class Login final : public Stage, public Upstream::Client {
 public:
  explicit Login(Session& session);
  ~Login() override;

  void start();  // the greeting

  void received(Bytes data) override;
  void client_ended() override;
  void secured() override;  // the handshake after STARTTLS is over
  void deadline() override;
  void farewell(Farewell why) override;
  size_t held() const override { return input_.cost(); }
  void sum_up(Summary& summary) const override;
  void abandon() override;  // counts an open attempt as well

 private:
  static uint64_t clock_us() { return uv_hrtime() / 1000; }
  void run();
  bool step();  // false: wait
  void suspend();
  void go_on();  // feeds the front again
  void attempt(Event event);
  void pass(Gate::Answer answer);
  void look_up();
  Query question(const std::string& user, Want want);
  void ask(const Query& query);
  bool admit_told();  // false: it is closed
  bool too_often();
  bool name_client(const Credentials& credentials);
  static Want want_for(Proof proof);
  void supply(LookupResult&& result);
  void judge();
  void identify();
  bool may_act() const;
  bool backend_judges(const LookupResult& result) const;
  void ask_account(const std::string& name);
  void found_other(LookupResult&& result);
  void found_himself(LookupResult&& result);
  bool take(Identity&& identity, const std::string& name);  // false: no login has the name that it gives him
  bool seat_user();                                         // false: refused
  void looked_up(LookupResult&& result);
  void known();
  void find_backend();
  void wait(Refused why, uint64_t patience_ms);
  bool strand(BackendError error);  // false: there is nothing to wait for
  Keys keys_for(const Identity& identity);
  void collect(ClientFacts& facts) const;
  unsigned hops_left() const;  // that a login has from the backend on; 0: it may not go there
  void refuse(Refusal refusal, Refused reason, std::string_view code = {});
  void refuse_as(Verdict verdict, std::string token_error = {}, Barred why = Barred::disabled);
  void directory_failed(std::string_view why);
  void refuse_now();
  void flush();  // may close the session
  void overflowed(const char* what);
  void count(AuthResult result);
  void count_refused(Refused reason, std::string_view code);

  void upstream_ready(SocketPtr socket, BackDialogue& back, Bytes leftover) override;
  void upstream_refused(const BackendReply& reply, std::vector<std::string> alerts) override;
  void upstream_unavailable(BackendError error, const std::string& why, std::vector<std::string> alerts) override;
  void upstream_undecided() override { refuse({Refusal::Kind::unavailable, {}}, Refused::ledger_away); }
  void upstream_overflowed() override { overflowed("a command to the backend"); }

  ConnectionFacts facts_;
  std::unique_ptr<FrontDialogue> front_;
  Input input_;
  Out out_;
  std::optional<Lookup> lookup_;
  Identity identity_;      // whom the directory knows
  std::string claimed_;    // whom the client says to be, normalised; with a token: whom it is of
  std::string acting_as_;  // whom he wants to act as; empty: himself (T24)
  Want want_ = Want::verdict;
  Verdict unproven_ = Verdict::bad_credentials;  // of the exchange: what it means if its proof is wrong
  Holds::Seat seat_;  // while it waits: an operator holds the user's logins, or the ledger says nothing
  Refused waits_for_ = Refused::on_hold;
  Timer again_;  // looks whether that is over
  std::unique_ptr<Upstream> upstream_;
  Gate gate_;
  Timer delay_;  // until a refusal may be told
  Refusal refusal_;
  std::vector<std::string> alerts_;  // to be told with it
  std::string_view pool_;            // of the route
  size_t mechanism_ = 0;             // in kMechanismNames
  uint64_t attempt_start_us_ = 0, lookup_start_us_ = 0;
  uint64_t served_ms_ = 0;     // of Gate::told_ms, before attempt_start_us_
  bool speaks_;                // a proxy of which is not known yet for whom
  bool exchanging_ = false;    // an attempt is under way, in which a secret was supplied: the front is fed
  bool identified_ = false;    // the client himself is known, and whom he acts as is being asked for
  bool asks_himself_ = false;  // likewise, but about whom his token is of
  bool unjudged_ = false;      // his token, but by a backend
  bool known_ = false;         // a directory has said identity_
  bool suspended_ = false;     // an attempt is under way: the front is not fed
  bool client_ended_ = false;
  bool stranded_ = false;  // in this attempt it has waited for the user's sessions to go
};

}  // namespace postigo
