// The POP3 front against anything a stranger may send. Octet 0 is the policy, octet 1 where to cut, octet 2 how the
// logins end. Cutting changes nothing, replies are lines of printable text, their number is bounded by the input, and
// no credential has an octet that would end a line.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "parser/base/ascii.h"
#include "parser/pop3/front.h"
#include "tests/fuzz/sasl_parts.h"

namespace {

using namespace postigo;

void require(bool condition) {
  if (!condition) std::abort();
}

FrontPolicy policy_from(uint8_t octet) {
  FrontPolicy policy;
  policy.hostname = "mail.example";
  policy.starttls_offered = octet & 2;
  policy.plaintext_login_allowed = octet & 4;
  policy.peer_is_proxy = octet & 16;
  policy.peer_speaks = policy.peer_is_proxy && (octet & 32) != 0;
  policy.mechanisms = {"PLAIN", "LOGIN"};
  if (octet & 32) policy.mechanisms = fuzz::all_mechanisms();
  auto capabilities = std::make_shared<CapabilityPolicy>();
  if (octet & 8) capabilities->hide = {"PIPELINING"};
  policy.capabilities = capabilities;
  return policy;
}

bool clean(Bytes text) { return text.find_first_of(Bytes("\0\r\n", 3)) == Bytes::npos; }

struct Run {
  std::string story;

  Run(Bytes input, const uint8_t* options, size_t piece) {
    FrontPolicy policy = policy_from(options[0]);
    auto front = pop3::make_front(policy, options[0] & 1, fuzz::facts());
    Out out;
    front->open(out);
    std::string pending;
    unsigned attempts = 0;
    for (size_t at = 0; at < input.size(); at += piece) {
      pending.append(input.substr(at, piece));
      for (Event event = Event::start_tls; event != Event::need_input;) {
        Step step = front->feed(std::string(pending), out);
        require(step.consumed <= pending.size() && !out.overflowed());
        pending.erase(0, step.consumed);
        event = step.event;
        if (event == Event::start_tls) front->tls_established();  // what follows comes through TLS as it is
        if (event == Event::secret) {
          story.append("<secret ").append(front->credentials().user).append(">");
          event = front->supply(fuzz::secret_of(front->credentials().user), out);
          if (event == Event::need_input) event = Event::start_tls;  // a challenge: go on
        }
        if (event == Event::authenticate) event = answer(*front, options[2] >> (attempts++ % 8) & 1, out);
        if (event == Event::hang_up) {
          finish(out, pending.append(input.substr(std::min(input.size(), at + piece))));
          return;
        }
      }
    }
    finish(out, pending);
  }

  Event answer(FrontDialogue& front, bool yes, Out& out) {
    const Credentials& who = front.credentials();
    bool bare = who.proof != Proof::password && who.proof != Proof::token;
    require(who.password.empty() == (bare || !who.possible));
    require(!who.possible || !who.user.empty() || who.proof == Proof::token);
    require(clean(who.authzid) && clean(who.password.reveal()) && (!who.possible || clean(who.user)));
    story.append("<").append(who.user).append(" ").append(who.password.reveal()).append(">");
    if (!yes)
      return front.refuse({Refusal::Kind::bad_credentials, ""}, out) == Event::hang_up ? Event::hang_up
                                                                                       : Event::start_tls;
    front.accept({}, out);
    return Event::hang_up;
  }

  void finish(const Out& out, const std::string& pending) {
    require(out.view().ends_with("\r\n") && std::none_of(out.view().begin(), out.view().end(),
                                                         [](char c) { return is_ctl(c) && c != '\r' && c != '\n'; }));
    story.append(out.view());
    if (story.find("far too long") == std::string::npos) story.append(pending);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3 || size > 40000) return 0;
  Bytes input(reinterpret_cast<const char*>(data) + 3, size - 3);
  Run whole(input, data, input.size() + 1);
  require(whole.story.size() <= 200 + 40 * input.size());
  Run cut(input, data, 1 + data[1] % 16);
  require(whole.story == cut.story);
  return 0;
}
