// The class behind make_back(), internal to back.cc and back_steps.cc: one attempt to log our user in at a backend.
//
// POP3 answers have no tags: the N-th answer is to the N-th question, and one answer more would be taken for the next
// one; a forged or doubled +OK would make a refused login a success (T78). So nothing may wait in the buffer when we
// ask.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "parser/back.h"
#include "parser/login/sasl_talk.h"
#include "parser/pop3/reply.h"
#include "parser/sasl/client.h"

namespace postigo::pop3 {

inline constexpr std::string_view kTakenForCommands = "the backend takes our PROXY header for commands";

class Back final : public BackDialogue {
 public:
  Back(const BackPolicy& policy, BackLogin login) : policy_(policy), login_(std::move(login)) {}

  Step feed(Bytes in, Out& out) override;
  void tls_established(Out& out) override;
  Event log_in(BackLogin login, Out& out) override;
  bool answered() const override { return answered_; }
  Event lost() override;
  const BackendReply& reply() const override { return reply_; }
  const std::vector<std::string>& capabilities() const override { return capabilities_; }
  std::span<const std::string> alerts() const override { return {}; }  // POP3 has none
  std::string_view state_name() const override;

 private:
  enum class State {
    greeting,
    probe,
    stls,
    handshake,
    xclient,
    capa,
    capa_list,
    ready,
    user,
    pass,
    auth,
    auth_response,
    over
  };

  Event on_line(Bytes line, Out& out);
  Event on_greeting(const Reply& reply, Out& out);
  Event on_probe(const Reply& reply);
  Event on_stls(const Reply& reply);
  Event on_capa(const Reply& reply, Out& out);
  Event on_capa_line(Bytes line, Out& out);
  Event on_user(const Reply& reply, Out& out);
  Event on_auth(const Reply& reply, Out& out);
  Event on_verdict(const Reply& reply, Out& out);
  Event check_login();
  Event begin(Out& out);
  Event introduce(Out& out);
  Event say_login(Out& out);
  bool says_login() const;
  bool may_be_goodbye(const Reply& reply) const;
  Event choose(Out& out);
  Event say_user(Out& out);
  Event say_password(Out& out);
  Event start_auth(const sasl::ClientMechanism& mechanism, Out& out);
  Event answer_challenge(const Reply& reply, Out& out);
  bool offers(std::string_view mechanism) const {
    return offers_.find(" " + std::string(mechanism) + " ") != std::string::npos;
  }
  Event ask(State next, std::initializer_list<Bytes> parts, Out& out);
  Event refused(const Reply& reply, Out& out);
  Event unavailable(const Reply& reply, std::string_view what);
  Event unavailable(std::string_view why);
  Event finish(Event event);
  std::string readable_code(Bytes code) const;

  BackPolicy policy_;
  BackLogin login_;
  State state_ = State::greeting;
  bool last_ = false;     // nothing follows the line that is being read
  bool probing_ = false;  // CAPA is asked for its own sake
  bool greeted_xclient_ = false;
  bool waited_ = false;    // it was ready, and CAPA was asked then
  bool answered_ = false;  // a part of the login
  size_t total_ = 0;
  std::string offers_;      // CAPA's mechanisms, with blanks around each
  SaslTalk talk_;           // of AUTH
  bool asked_for_ = false;  // its mechanism: there is no other way
  BackendReply reply_;
  std::optional<BackendReply> refusal_;    // the answer to AUTH, while USER and PASS are tried
  std::vector<std::string> capabilities_;  // POP3 backends list theirs on CAPA only; the filter reads that
};

}  // namespace postigo::pop3
