// The authentication server that nginx's mail module requires: everybody may, and lives on the sink's own ports. Not a
// web server.
#include "bench/sink/session.h"

namespace postigo::bench {
namespace {

class Http final : public Session {
 public:
  using Session::Session;

 private:
  void greet() override {}
  void line(std::string_view text) override;
  void reply();

  bool first_ = true;
  bool keep_ = false;
  bool pop3_ = false;
  bool right_ = true;
};

void Http::line(std::string_view text) {
  if (first_) {
    first_ = false;
    keep_ = text.ends_with("HTTP/1.1");
    pop3_ = false;
    right_ = true;
    return;
  }
  if (text.empty()) return reply();
  size_t colon = text.find(':');
  if (colon == std::string_view::npos) return;
  Verb name(text.substr(0, colon));
  std::string_view value = text.substr(colon + 1);
  while (value.starts_with(' ')) value.remove_prefix(1);
  if (name.is("AUTH-PROTOCOL")) pop3_ = value == "pop3";
  if (name.is("AUTH-PASS")) right_ = value != "wrong";
  if (name.is("CONNECTION")) keep_ = Verb(value).is("KEEP-ALIVE") || (keep_ && !Verb(value).is("CLOSE"));
}

void Http::reply() {
  first_ = true;
  ++counters().lookups;
  answer({"HTTP/1.1 200 OK"});
  answer({"Connection: ", keep_ ? "keep-alive" : "close"});
  answer({"Content-Length: 0"});
  answer({"Auth-Status: ", right_ ? "OK" : "Invalid login or password"});
  if (right_) {
    answer({"Auth-Server: 127.0.0.1"});
    answer({"Auth-Port: ", std::to_string(pop3_ ? sink_.pop3_port : sink_.imap_port)});
  }
  answer({""});
  if (!keep_) finish();
}

}  // namespace

std::unique_ptr<Session> http_session(Sink& sink) { return std::make_unique<Http>(sink); }

}  // namespace postigo::bench
