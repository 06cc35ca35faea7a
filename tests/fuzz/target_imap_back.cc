// The IMAP back against a hostile backend: no crash, the same outcome at every chunking, the password sent at most once
// and never before TLS when TLS is required, texts printable. The first octet is the policy.
#include <string>

#include "parser/base/ascii.h"
#include "parser/imap/back.h"
#include "tests/fuzz/chunks.h"

namespace {

using namespace postigo;

constexpr Bytes kPassword = "canary-password";

struct Outcome {
  std::string sent;
  std::string verdict;
  size_t used = 0;
  bool tls = false;
  bool operator==(const Outcome& other) const {
    return sent == other.sent && verdict == other.verdict && used == other.used;
  }
};

void check_verdict(BackDialogue& back, Event event) {
  fuzz::check(!has_ctl(back.reply().text) && !has_ctl(back.reply().code), "reply is printable");
  fuzz::check(back.reply().text.size() < 2048, "reply is short");
  if (event == Event::refused) {
    Refusal refusal = imap::refusal_for(back.reply());
    fuzz::check(refusal.kind != Refusal::Kind::relayed || !refusal.code.empty(), "a relayed refusal has a code");
  }
}

Outcome run(Bytes input, uint8_t policy_bits, size_t style) {
  BackPolicy policy;
  policy.tls = static_cast<BackPolicy::Tls>((policy_bits & 3) % 3);
  policy.forward_client = (policy_bits & 4) != 0;
  BackLogin login;
  login.authzid = (policy_bits & 8) != 0 ? "bob" : "";
  login.authcid = (policy_bits & 16) != 0 ? "j\xc3\xb6rg" : "alice";
  login.password = Secret(kPassword);
  login.facts.client_id = "\"name\" \"x\"";
  auto back = imap::make_back(policy, std::move(login));

  Outcome outcome;
  Out out;
  fuzz::Decisions decisions(style);
  size_t begin = 0;
  for (size_t end = 0; end < input.size();) {
    end += std::min(decisions.chunk(style), input.size() - end);
    for (bool more = true; more;) {
      Step step = back->feed(input.substr(begin, end - begin), out);
      begin += step.consumed;
      outcome.used = begin;
      fuzz::check(begin <= end && !out.overflowed(), "within bounds");
      outcome.sent += out.view();
      out.clear();
      bool revealed =
          outcome.sent.find("LOGIN") != std::string::npos || outcome.sent.find("AUTHENTICATE") != std::string::npos;
      fuzz::check(policy.tls != BackPolicy::Tls::starttls || outcome.tls || !revealed, "no login in clear");
      if (step.event == Event::need_input) break;
      if (step.event == Event::start_tls) {
        fuzz::check(begin == end && policy.tls == BackPolicy::Tls::starttls && !outcome.tls,
                    "TLS once, nothing behind");
        outcome.tls = true;
        back->tls_established(out);
        continue;
      }
      check_verdict(*back, step.event);
      outcome.verdict = std::to_string(static_cast<int>(step.event)) + back->reply().code + "|" + back->reply().text;
      outcome.tls |= outcome.verdict.find("between STARTTLS and TLS") != std::string::npos;
      for (const std::string& name : back->capabilities()) outcome.verdict += " " + name;
      return outcome;
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
    fuzz::check(whole.tls || cut.tls || cut == whole, "chunks are invisible");
  }
  return 0;
}
