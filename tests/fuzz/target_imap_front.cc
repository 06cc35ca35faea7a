// The IMAP front: no crash, the same replies and events at every chunking, bounded output, every reply a response line.
// The first octet is the policy; authenticate is answered with refuse and accept in turn.
#include <memory>
#include <string>

#include "parser/base/ascii.h"
#include "parser/base/limits.h"
#include "parser/imap/front.h"
#include "tests/fuzz/chunks.h"
#include "tests/fuzz/sasl_parts.h"

namespace {

using namespace postigo;

struct Outcome {
  std::string text;  // replies and events in order
  std::string rest;
  bool operator==(const Outcome& other) const { return text == other.text && rest == other.rest; }
};

void check_reply(Bytes replies) {
  fuzz::check(replies.empty() || replies.ends_with("\r\n"), "replies are whole lines");
  fuzz::check(replies.find('\0') == Bytes::npos, "no NUL comes back");
  for (size_t end; (end = replies.find("\r\n")) != Bytes::npos; replies.remove_prefix(end + 2)) {
    Bytes line = replies.substr(0, end);
    bool shaped = line.starts_with("* ") || line.starts_with("+ ") || line.find(" OK ") != Bytes::npos ||
                  line.find(" NO ") != Bytes::npos || line.find(" BAD ") != Bytes::npos;
    fuzz::check(shaped && !has_ctl(line), "every reply is a response");
  }
}

bool clean(Bytes text) { return text.find_first_of(Bytes("\0\r\n", 3)) == Bytes::npos; }

// Octets of any character set, but nothing that ends a line; or nobody's, and then there is no password.
void on_credentials(const Credentials& who) {
  Bytes password = who.password.reveal();
  fuzz::check(who.user.size() <= limits::kUserMax && password.size() <= limits::kPasswordMax, "bounded");
  fuzz::check(clean(who.authzid) && clean(password), "clean authzid and password");
  bool bare = who.proof != Proof::password && who.proof != Proof::token;
  fuzz::check(who.possible ? clean(who.user) && password.empty() == bare : password.empty(), "possible");
  fuzz::check(!who.possible || !who.user.empty() || who.proof == Proof::token, "a name");
}

Outcome run(Bytes input, uint8_t policy_bits, size_t style) {
  FrontPolicy policy;
  policy.hostname = "mail.example.org";
  policy.starttls_offered = (policy_bits & 1) != 0;
  policy.plaintext_login_allowed = (policy_bits & 2) != 0;
  policy.peer_is_proxy = (policy_bits & 16) != 0;
  policy.peer_speaks = policy.peer_is_proxy && (policy_bits & 32) != 0;
  policy.mechanisms = {"PLAIN", "LOGIN"};
  if ((policy_bits & 32) != 0) policy.mechanisms = fuzz::all_mechanisms();
  policy.capabilities = std::make_shared<CapabilityPolicy>();
  auto front = imap::make_front(policy, (policy_bits & 4) != 0, fuzz::facts());
  bool accept = (policy_bits & 8) != 0, asked = false;

  Outcome outcome;
  Out out;
  auto flush = [&] {
    fuzz::check(!out.overflowed(), "replies fit");
    check_reply(out.view());
    outcome.text += out.view();
    out.clear();
  };
  front->open(out);
  flush();
  fuzz::Decisions decisions(style);
  size_t begin = 0;
  for (size_t end = 0; end < input.size();) {
    end += std::min(decisions.chunk(style), input.size() - end);
    for (bool more = true; more;) {
      Step step = front->feed(input.substr(begin, end - begin), out);
      begin += step.consumed;
      fuzz::check(begin <= end, "consumed what there is");
      flush();
      switch (step.event) {
        case Event::need_input:
          more = false;
          break;
        case Event::authenticate:
          on_credentials(front->credentials());
          outcome.text += "= " + front->credentials().user + (front->credentials().possible ? "\n" : " impossible\n");
          if (accept) {
            front->alert("Read this.", out);
            front->accept({"IMAP4REV1", "IDLE", "AUTH=PLAIN"}, out);
            flush();
            outcome.rest = input.substr(begin);
            return outcome;
          }
          if (front->refuse({Refusal::Kind::bad_credentials, ""}, out) == Event::hang_up) more = false;
          flush();
          if (!more) return outcome;
          break;
        case Event::secret:
          outcome.text += "= secret " + front->credentials().user + "\n";
          asked = true;
          // As a caller who goes on at once with what comes of it: authenticate is refused, a challenge is awaited.
          if (front->supply(fuzz::secret_of(front->credentials().user), out) == Event::authenticate) {
            more = front->refuse({Refusal::Kind::bad_credentials, ""}, out) != Event::hang_up;
            asked = false;
          }
          flush();
          if (!more) return outcome;
          break;
        case Event::abandoned:
          fuzz::check(asked, "abandoned only behind secret");
          outcome.text += "= abandoned\n";
          asked = false;
          break;
        case Event::start_tls:  // what follows is TLS's; here TLS hands it on as it is
          outcome.text += "= start_tls";
          front->tls_established();
          break;
        default:
          fuzz::check(step.event == Event::hang_up, "no event of the other side");
          outcome.text += "= hang_up";
          return outcome;
      }
    }
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  Bytes input(reinterpret_cast<const char*>(data) + 1, size - 1);
  Outcome whole = run(input, data[0], 0);
  for (size_t style : {1U, 5U, 40U}) {
    Outcome cut = run(input, data[0], style);
    fuzz::check(cut == whole, "chunks are invisible");
  }
  return 0;
}
