// The class behind make_front(), internal to front.cc and front_commands.cc: the not-authenticated state of one client.
#pragma once

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "parser/base/limits.h"
#include "parser/framing/line_reader.h"
#include "parser/framing/literal_reader.h"
#include "parser/front.h"
#include "parser/imap/lexer.h"
#include "parser/imap/replies.h"
#include "parser/login/attempts.h"
#include "parser/login/sasl_exchange.h"
#include "parser/sasl/facts.h"

namespace postigo::imap {

class Front final : public FrontDialogue {
 public:
  Front(const FrontPolicy& policy, bool tls, const sasl::Facts& facts) : policy_(policy), tls_(tls), facts_(facts) {}

  void open(Out& out) override {
    out.put(
        {"* OK [CAPABILITY ", capabilities_before_login(policy_, tls_, facts_), "] ", policy_.hostname, " ready.\r\n"});
  }

  Step feed(Bytes in, Out& out) override;
  void tls_established() override;
  Credentials& credentials() override { return credentials_; }
  Event supply(const StoredSecret& secret, Out& out) override;
  void alert(Bytes text, Out& out) override { out.put({"* OK [ALERT] ", text, "\r\n"}); }
  void accept(const std::vector<std::string>& backend, Out& out) override;
  Event refuse(const Refusal& refusal, Out& out) override;
  void farewell(Farewell why, Out& out) override {
    out.put({"* BYE ", farewell_text(why), "\r\n"});
    state_ = State::over;
  }
  std::string_view client_id() const override { return client_id_; }
  std::optional<unsigned> hops_left() const override { return hops_left_; }
  const ClientFacts* told() const override { return told_.get(); }
  std::string_view state_name() const override;
  unsigned commands() const override { return attempts_.commands(); }
  bool said_quit() const override { return said_quit_; }

 private:
  // sasl_refused: the client was told so by a challenge, and answers that.
  enum class State { command, sasl, sasl_too_long, sasl_refused, authenticating, starting_tls, over };

  // What became of the front of the input. `more`: look at the rest at once.
  struct Progress {
    size_t consumed = 0;
    Event event = Event::need_input;
    bool more = true;
  };

  Progress next_command(Bytes in, Out& out);
  Progress next_sasl_line(Bytes in, Out& out);
  Progress skip_sasl_line(Bytes in, Out& out);
  Progress after_refusal(Bytes in, Out& out);
  Event literal_refused(Bytes line, const LiteralReader::Framed& framed, Out& out);
  bool literal_welcome(Bytes line, const LiteralReader::Framed& framed) const;
  Event command(Bytes line, bool poisoned, Out& out);
  Event unparsable(Bytes line, Out& out);
  Event dispatch(const CommandHead& head, Out& out);
  Event settle(Event event, Out& out);

  Event on_capability(Lexer args, Out& out);
  Event on_noop(Lexer args, Out& out);
  Event on_logout(Lexer args, Out& out);
  Event on_id(Lexer args, Out& out);
  Event on_starttls(Lexer args, Out& out);
  Event on_login(Lexer args, Out& out);
  Event on_authenticate(Lexer args, Out& out);
  Event on_sasl(SaslExchange::Outcome outcome, Out& out);
  Event broken_off(Event event) const;
  Event authenticate(Credentials credentials);

  Event privacy_required(Out& out) { return tagged("NO", "[PRIVACYREQUIRED] Use TLS first.", out); }
  Event bad(Bytes text, Out& out);
  Event tagged(Bytes status, Bytes text, Out& out);
  Event untagged(Bytes text, Out& out);
  Event bye(Bytes text, Out& out);
  void say(std::initializer_list<Bytes> parts, Out& out);

  const FrontPolicy& policy_;
  bool tls_;
  const sasl::Facts& facts_;
  State state_ = State::command;
  LiteralReader messages_{limits::kCommandMax};
  LineReader lines_{limits::kSaslLineMax};
  SaslExchange sasl_;
  size_t skipped_ = 0;   // of a SASL response that is too long
  std::string tag_;      // of the command that is being answered
  std::string refusal_;  // to be told in sasl_refused
  Credentials credentials_;
  std::string client_id_;
  std::optional<unsigned> hops_left_;
  std::unique_ptr<ClientFacts> told_;  // with the first ID of a proxy that speaks for its client
  bool asked_capability_ = false;      // by command: such clients may ignore response codes (T36)
  Attempts attempts_;
  bool said_quit_ = false;
  size_t said_ = 0;
};

}  // namespace postigo::imap
