// The class behind make_front(), internal to front.cc and front_commands.cc: the AUTHORIZATION state of one client.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "parser/front.h"
#include "parser/login/attempts.h"
#include "parser/login/sasl_exchange.h"
#include "parser/sasl/facts.h"
#include "parser/sasl/offer.h"

namespace postigo::pop3 {

struct Command {
  Bytes verb;
  Bytes args;
};
Command split(Bytes line);

class Front final : public FrontDialogue {
 public:
  Front(const FrontPolicy& policy, bool tls, const sasl::Facts& facts) : policy_(policy), tls_(tls), facts_(facts) {}

  void open(Out& out) override;
  Step feed(Bytes in, Out& out) override;
  void tls_established() override;
  Credentials& credentials() override { return credentials_; }
  Event supply(const StoredSecret& secret, Out& out) override;
  void alert(Bytes, Out&) override {}  // POP3 has no line for it
  void accept(const std::vector<std::string>& backend, Out& out) override;
  Event refuse(const Refusal& refusal, Out& out) override;
  void farewell(Farewell why, Out& out) override;
  std::string_view client_id() const override { return {}; }
  std::optional<unsigned> hops_left() const override { return hops_left_; }
  const ClientFacts* told() const override { return told_.get(); }
  std::string_view state_name() const override;
  unsigned commands() const override { return attempts_.commands(); }
  bool said_quit() const override { return said_quit_; }

 private:
  // sasl_refused: the client was told so by a challenge, and answers that.
  enum class State { command, sasl, sasl_refused, authenticating, starting_tls, over };
  using Handler = Event (Front::*)(const Command&, Out&);
  struct Row {
    std::string_view verb;
    Handler run;
    bool takes_args;
  };
  static const Row kCommands[];

  size_t line_limit(Bytes rest) const;
  size_t discard(Bytes rest);
  Event discarded_login();
  Event too_long(Bytes line, Out& out);
  bool login_too_long(Bytes line);
  Event on_command(const Command& command, Out& out);

  Event capa(const Command&, Out& out);
  Event user(const Command& command, Out& out);
  Event apop(const Command& command, Out& out);
  Event pass(const Command& command, Out& out);
  Event auth(const Command& command, Out& out);
  Event stls(const Command&, Out& out);
  Event noop(const Command&, Out& out);
  Event quit(const Command&, Out& out);
  Event xclient(const Command& command, Out& out);

  bool note_hops(Bytes value);  // false: it is no number
  Event list_mechanisms(Out& out);
  Event on_sasl(SaslExchange::Outcome outcome, Out& out);
  Event broken_off(Bytes reply, bool bad_command, Out& out);
  Event after_refusal(Out& out);
  sasl::Setting setting() const;
  Event bad(Bytes reply, Out& out);
  Event hang_up(Bytes reply, Out& out);
  Event say(Bytes reply, Out& out);
  void forget();

  // USER and PASS put the password on the wire.
  bool may_log_in() const { return policy_.takes_passwords() && (tls_ || policy_.plaintext_login_allowed); }
  void put_capability(Bytes tag, Out& out) const;

  const FrontPolicy& policy_;
  bool tls_;
  const sasl::Facts& facts_;
  State state_ = State::command;
  std::string user_;       // said with USER, not empty then
  std::string timestamp_;  // of the greeting; empty: APOP is not offered
  Bytes refusal_;          // to be told in sasl_refused
  SaslExchange sasl_;
  Credentials credentials_;
  std::optional<unsigned> hops_left_;
  std::unique_ptr<ClientFacts> told_;  // with the first XCLIENT of a proxy that speaks for its client
  bool discarding_ = false;            // the rest of a line that was too long
  bool discarding_login_ = false;      // it was a login: credentials_ are refused when it is over
  size_t discarded_ = 0;
  Attempts attempts_;
  bool said_quit_ = false;
};

}  // namespace postigo::pop3
