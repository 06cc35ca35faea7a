// POP3 as far as proxies and the load tool need it. Message n has n octets; no line of it begins with a dot, so nothing
// needs stuffing.
#include "bench/sink/session.h"

namespace postigo::bench {
namespace {

class Pop3 final : public Session {
 public:
  using Session::Session;

 private:
  void greet() override { answer({"+OK ready"}); }
  void line(std::string_view text) override;

  void before_login(const Verb& verb, std::string_view rest);
  void in_mailbox(const Verb& verb, std::string_view rest);
  void logged_in(bool right);
  void capabilities();
  void retrieve(std::string_view rest);
  void bad() {
    ++counters().not_understood;
    answer({"-ERR Not understood."});
  }

  bool plain_ = false;  // the next line is the answer to AUTH PLAIN
  bool authenticated_ = false;
};

void Pop3::line(std::string_view text) {
  if (plain_) {
    plain_ = false;
    return logged_in(login_plain(text));
  }
  Verb verb(next_word(text));
  if (verb.is("NOOP")) {
    ++counters().noops;
    return answer({"+OK"});
  }
  if (verb.is("CAPA")) return capabilities();
  if (verb.is("QUIT")) {
    ++counters().logouts;
    answer({"+OK Logging out."});
    return finish();
  }
  authenticated_ ? in_mailbox(verb, text) : before_login(verb, text);
}

void Pop3::capabilities() {
  answer({"+OK"});
  for (auto each : {"CAPA", "TOP", "UIDL", "RESP-CODES", "PIPELINING", "AUTH-RESP-CODE", "USER", "SASL PLAIN"}) {
    answer({each});
  }
  if (sink_.tls != nullptr && !encrypted()) answer({"STLS"});
  answer({"."});
}

void Pop3::before_login(const Verb& verb, std::string_view rest) {
  if (verb.is("USER")) return answer({"+OK"});
  if (verb.is("PASS")) return logged_in(login(rest));
  if (verb.is("AUTH") && Verb(next_word(rest)).is("PLAIN")) {
    if (!rest.empty()) return logged_in(login_plain(rest));
    plain_ = true;
    return answer({"+ "});
  }
  if (verb.is("STLS") && sink_.tls != nullptr && !encrypted()) {
    answer({"+OK Begin TLS negotiation now."});
    return start_tls();
  }
  bad();
}

void Pop3::logged_in(bool right) {
  if (!right) return answer({"-ERR [AUTH] Authentication failed."});
  authenticated_ = true;
  answer({"+OK Logged in."});
}

void Pop3::in_mailbox(const Verb& verb, std::string_view rest) {
  if (verb.is("RETR")) return retrieve(rest);
  if (verb.is("STAT")) return answer({"+OK 1 1024"});
  if (!verb.is("LIST")) return bad();
  if (!rest.empty()) return answer({"+OK ", rest, " ", rest});
  answer({"+OK 1 messages:"});
  answer({"1024 1024"});
  answer({"."});
}

void Pop3::retrieve(std::string_view rest) {
  int64_t size = number(rest);
  if (size < 2) return bad();  // a message ends with CRLF
  answer({"+OK ", rest, " octets"});
  send_message(static_cast<size_t>(size));
  answer({"."});
}

}  // namespace

std::unique_ptr<Session> pop3_session(Sink& sink) { return std::make_unique<Pop3>(sink); }

}  // namespace postigo::bench
