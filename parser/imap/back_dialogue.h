// The class behind make_back(), internal to back.cc and back_steps.cc: one attempt to log our user in at a backend.
#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "parser/back.h"
#include "parser/base/limits.h"
#include "parser/framing/line_reader.h"
#include "parser/imap/login_command.h"
#include "parser/imap/response.h"
#include "parser/login/sasl_talk.h"
#include "parser/sasl/client.h"

namespace postigo::imap {

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
  std::span<const std::string> alerts() const override { return alerts_; }
  std::string_view state_name() const override;

 private:
  enum class State { greeting, asking, starting_tls, ready, identifying, login, listing, over };

  Event on_line(Bytes line, Out& out);
  Event on_greeting(Bytes line, Out& out);
  Event on_untagged(Bytes line);
  Event on_continuation(Bytes line, Out& out);
  Event on_challenge(Bytes text, Out& out);
  Event on_tagged(Bytes line, Out& out);
  Event answers_the_header(const Status& status);
  Event on_login_answer(const Status& status, Out& out);
  Event on_login_refused(const Status& status, Out& out);
  std::string readable_code(Bytes code) const;
  void note_list(Bytes text);
  void note_alert(const Status& status);
  void expect_literal(Bytes line);
  bool too_much() const { return total_ > limits::kBackendLoginMax; }

  Event go_on(Out& out);
  void ask(char question, State state, Out& out);
  Event identify(Out& out);
  std::string id_command();
  Event begin_login(Out& out);
  void say_login(Out& out);
  void authenticate(const sasl::ClientMechanism& mechanism, Out& out);
  bool heard_all() const { return talk_.active() ? talk_.has_spoken() : next_piece_ == pieces_.size(); }
  bool another_way() const { return way_ + 1 < ways_.count; }
  Event give_up(Bytes why, Bytes backend_text = {});
  Event unavailable(Bytes why, Bytes backend_text = {});
  Event finish(Event event);

  bool lists(Bytes name) const {
    return std::find(capabilities_.begin(), capabilities_.end(), name) != capabilities_.end();
  }
  std::string tag(char question) const { return std::string("P") + question + login_.nonce; }

  BackPolicy policy_;
  BackLogin login_;
  State state_ = State::greeting;
  LineReader lines_{limits::kBackendLineMax};
  std::string tag_;                        // of the question whose answer we wait for
  std::vector<std::string> capabilities_;  // before login; once the login is under way, after it
  LoginAbilities abilities_;
  LoginWays ways_;
  size_t way_ = 0;
  std::vector<Secret> pieces_;  // of a LOGIN command
  size_t next_piece_ = 0;
  const sasl::ClientMechanism* mechanism_ = nullptr;  // of LoginWay::sasl
  SaslTalk talk_;                                     // of AUTHENTICATE
  BackendReply reply_;
  std::optional<BackendReply> refusal_;  // the backend's no to complete credentials, while another way is tried
  std::vector<std::string> alerts_;
  size_t total_ = 0;
  size_t skip_ = 0;            // octets of a literal in an untagged response
  bool mid_response_ = false;  // the next line goes on behind a literal
  bool secured_ = false;       // STARTTLS is done
  bool answered_ = false;      // a part of the login
  bool binding_listed_ = false;
};

}  // namespace postigo::imap
