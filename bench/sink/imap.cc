// IMAP as far as proxies and the load tool need it: any login but the wrong password, one mailbox in which the message
// with UID n has n octets, APPEND, IDLE. No RFC is complete here.
#include <charconv>
#include <cstring>

#include "bench/common/payload.h"
#include "bench/sink/session.h"

namespace postigo::bench {
namespace {

constexpr std::string_view kBefore = "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ AUTH=PLAIN";
// What a Dovecot 2.3 says after the login: proxies read and rewrite it.
constexpr std::string_view kAfter =
    "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT SORT=DISPLAY THREAD=REFERENCES THREAD=REFS "
    "THREAD=ORDEREDSUBJECT MULTIAPPEND URL-PARTIAL CATENATE UNSELECT CHILDREN NAMESPACE UIDPLUS LIST-EXTENDED "
    "I18NLEVEL=1 CONDSTORE QRESYNC ESEARCH ESORT SEARCHRES WITHIN CONTEXT=SEARCH LIST-STATUS BINARY MOVE SNIPPET=FUZZY "
    "PREVIEW=FUZZY PREVIEW STATUS=SIZE SAVEDATE LITERAL+ NOTIFY SPECIAL-USE";

class Imap final : public Session {
 public:
  using Session::Session;

 private:
  enum class Wait { command, plain, done };

  void greet() override;
  void line(std::string_view text) override;
  void counted(std::string_view octets) override;

  bool literal(std::string_view text);
  void execute(std::string_view text);
  void before_login(const Verb& verb, std::string_view rest);
  void in_mailbox(const Verb& verb, std::string_view rest);
  void logged_in(bool right);
  void login_arguments(std::string_view rest);
  void fetch(std::string_view rest);
  void appended();
  void ok(std::string_view text) { answer({tag_, " OK ", text}); }
  void bad();
  const char* starttls() const { return sink_.tls != nullptr && !encrypted() ? " STARTTLS" : ""; }

  Wait wait_ = Wait::command;
  bool authenticated_ = false;
  bool appending_ = false;
  uint32_t crc_ = 0;
  size_t append_size_ = 0;
  std::string command_;  // collected so far, if it has literals
  std::string tag_;
};

void Imap::greet() { answer({"* OK [CAPABILITY ", kBefore, starttls(), "] ready"}); }

void Imap::line(std::string_view text) {
  if (wait_ == Wait::plain) {
    wait_ = Wait::command;
    return logged_in(login_plain(text));
  }
  if (wait_ == Wait::done) {
    wait_ = Wait::command;
    return Verb(text).is("DONE") ? ok("Idle completed.") : bad();
  }
  if (appending_) return appended();
  if (literal(text)) return;
  if (command_.empty()) return execute(text);
  std::string whole;
  whole.swap(command_);
  execute(whole.append(text));
}

// Does the line announce a literal? Then the command goes on after it.
bool Imap::literal(std::string_view text) {
  size_t brace = text.rfind('{');
  if (!text.ends_with('}') || brace == std::string_view::npos) return false;
  std::string_view inside = text.substr(brace + 1, text.size() - brace - 2);
  bool synchronising = !inside.ends_with('+');
  if (!synchronising) inside.remove_suffix(1);
  int64_t size = number(inside);
  if (size < 0) return false;
  std::string_view rest = text;
  std::string_view tag = next_word(rest);
  appending_ = command_.empty() && authenticated_ && Verb(next_word(rest)).is("APPEND");
  if (appending_) {
    tag_ = tag;
    crc_ = 0;
    append_size_ = static_cast<size_t>(size);
  } else if (size > 4096) {
    finish();
    return true;
  } else {
    command_.append(text).append("\r\n");
  }
  if (synchronising) answer({"+ OK"});
  expect(static_cast<size_t>(size));
  return true;
}

void Imap::counted(std::string_view octets) {
  if (!appending_) {
    command_.append(octets);
  } else if (sink_.verify) {
    crc_ = crc32c(crc_, octets);
  }
}

// UIDVALIDITY 1 says that the UID is the checksum; 2 that nobody has looked.
void Imap::appended() {
  appending_ = false;
  ++counters().appended;
  counters().octets_appended += append_size_;
  char text[16];
  auto end = std::to_chars(text, text + sizeof text, sink_.verify ? crc_ & 0x7fffffff : 1).ptr;
  answer({tag_,
          " OK [APPENDUID ",
          sink_.verify ? "1 " : "2 ",
          {text, static_cast<size_t>(end - text)},
          "] Append completed."});
}

void Imap::execute(std::string_view text) {
  tag_ = next_word(text);
  Verb verb(next_word(text));
  if (verb.is("NOOP")) {
    ++counters().noops;
    return ok("NOOP completed.");
  }
  if (verb.is("CAPABILITY")) {
    answer({"* CAPABILITY ", authenticated_ ? kAfter : kBefore, authenticated_ ? "" : starttls()});
    return ok("Capability completed.");
  }
  if (verb.is("ID")) {
    answer({"* ID (\"name\" \"sink\")"});
    return ok("ID completed.");
  }
  if (verb.is("LOGOUT")) {
    ++counters().logouts;
    answer({"* BYE Logging out"});
    ok("Logout completed.");
    return finish();
  }
  authenticated_ ? in_mailbox(verb, text) : before_login(verb, text);
}

void Imap::before_login(const Verb& verb, std::string_view rest) {
  if (verb.is("LOGIN")) return login_arguments(rest);
  if (verb.is("AUTHENTICATE") && Verb(next_word(rest)).is("PLAIN")) {
    if (!rest.empty()) return logged_in(login_plain(rest));
    wait_ = Wait::plain;
    return answer({"+ "});
  }
  if (verb.is("STARTTLS") && sink_.tls != nullptr && !encrypted()) {
    ok("Begin TLS negotiation now.");
    return start_tls();
  }
  bad();
}

// Takes an atom, a quoted string or a literal off the front.
std::string astring(std::string_view& rest) {
  if (rest.starts_with('{')) {
    size_t end = rest.find("\r\n");
    std::string_view size = rest.substr(1, rest.find('}') - 1);
    if (size.ends_with('+')) size.remove_suffix(1);
    std::string value(rest.substr(end + 2, static_cast<size_t>(number(size))));
    rest.remove_prefix(std::min(rest.size(), end + 2 + value.size() + 1));
    return value;
  }
  if (!rest.starts_with('"')) return std::string(next_word(rest));
  std::string value;
  size_t at = 1;
  for (; at < rest.size() && rest[at] != '"'; ++at) {
    if (rest[at] == '\\' && at + 1 < rest.size()) ++at;
    value += rest[at];
  }
  rest.remove_prefix(std::min(rest.size(), at + 2));
  return value;
}

void Imap::login_arguments(std::string_view rest) {
  std::string user = astring(rest);
  std::string password = astring(rest);
  if (user.empty()) return bad();
  logged_in(login(password));
}

void Imap::logged_in(bool right) {
  if (!right) return answer({tag_, " NO [AUTHENTICATIONFAILED] Authentication failed."});
  authenticated_ = true;
  answer({tag_, " OK [CAPABILITY ", kAfter, "] Logged in"});
}

void Imap::in_mailbox(const Verb& verb, std::string_view rest) {
  if (verb.is("UID") && Verb(next_word(rest)).is("FETCH")) return fetch(rest);
  if (verb.is("IDLE")) {
    ++counters().idles;
    wait_ = Wait::done;
    return answer({"+ idling"});
  }
  if (verb.is("SELECT") || verb.is("EXAMINE")) {
    answer({"* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)"});
    answer({"* 1 EXISTS"});
    answer({"* OK [UIDVALIDITY 2] UIDs valid"});
    return ok("[READ-WRITE] Select completed.");
  }
  bad();
}

void Imap::fetch(std::string_view rest) {
  std::string_view uid = next_word(rest);
  int64_t size = number(uid);
  if (size <= 0 || !rest.starts_with("BODY.PEEK[]")) return bad();
  answer({"* 1 FETCH (UID ", uid, " BODY[] {", uid, "}"});
  send_message(static_cast<size_t>(size));
  answer({")"});
  ok("Fetch completed.");
}

void Imap::bad() {
  ++counters().not_understood;
  answer({tag_.empty() ? "*" : std::string_view(tag_), " BAD Not understood."});
}

}  // namespace

std::unique_ptr<Session> imap_session(Sink& sink) { return std::make_unique<Imap>(sink); }

}  // namespace postigo::bench
