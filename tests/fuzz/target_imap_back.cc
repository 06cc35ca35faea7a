// The IMAP back against a hostile backend: no crash, the same outcome at every chunking, the password never sent before
// TLS when TLS is required, each way to log in tried at most once (T77), no login without an answer under its own tag
// (T78), no alert from where none may come (T47), texts printable. The first octet is the policy.
#include <algorithm>
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
  fuzz::check(back.alerts().size() <= 4, "few alerts");
  for (const std::string& text : back.alerts()) fuzz::check(!has_ctl(text) && text.size() < 1024, "alerts are lines");
  fuzz::check(back.lost() == Event::unavailable, "an end after the end is none");
}

size_t count(const std::string& text, Bytes word) {
  size_t found = 0;
  for (size_t at = 0; (at = text.find(word, at)) != std::string::npos; ++at) ++found;
  return found;
}

// Some line says OK under a tag of a login.
bool answered(Bytes said) {
  for (Bytes tag : {"P4 ", "P6 ", "P7 "}) {
    for (size_t at = 0; (at = said.find(tag, at)) != Bytes::npos; ++at) {
      Bytes rest = said.substr(at + tag.size());
      rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
      if ((at == 0 || said[at - 1] == '\n') && starts_with_ignoring_case(rest, "OK")) return true;
    }
  }
  return false;
}

Outcome run(Bytes input, uint8_t policy_bits, size_t style) {
  BackPolicy policy;
  policy.tls = static_cast<BackPolicy::Tls>((policy_bits & 3) % 3);
  policy.forward_client = (policy_bits & 4) != 0;
  policy.proxy_header = (policy_bits & 128) != 0;
  BackLogin login;
  login.authzid = (policy_bits & 8) != 0 ? "bob" : "";
  login.authcid = (policy_bits & 16) != 0 ? "j\xf6rg" : "alice";
  login.password = Secret(kPassword);
  login.facts.client_id = (policy_bits & 32) != 0 ? "\"name\" \"x\"" : "";
  policy.alerts = (policy_bits & 64) != 0 ? BackPolicy::Alerts::under_tls : BackPolicy::Alerts::never;
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
      fuzz::check(count(outcome.sent, " LOGIN ") <= 2 && count(outcome.sent, " AUTHENTICATE ") <= 1, "each way once");
      if (step.event == Event::need_input) break;
      if (step.event == Event::start_tls) {
        fuzz::check(begin == end && policy.tls == BackPolicy::Tls::starttls && !outcome.tls,
                    "TLS once, nothing behind");
        outcome.tls = true;
        back->tls_established(out);
        continue;
      }
      bool in_tls = policy.tls == BackPolicy::Tls::implicit || outcome.tls;
      fuzz::check(back->alerts().empty() || (in_tls && policy.alerts != BackPolicy::Alerts::never), "T47");
      check_verdict(*back, step.event);
      fuzz::check(step.event != Event::logged_in || answered(input.substr(0, begin)), "T78: an OK of its own");
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
