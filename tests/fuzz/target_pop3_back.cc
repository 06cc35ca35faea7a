// The POP3 login against a lying backend. Octet 0 is the policy, octet 1 where to cut. Cutting changes nothing (but for
// STLS, whose meaning is in what follows it), we send at most four commands, none of them QUIT, and what we repeat of
// the backend is printable.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "parser/base/ascii.h"
#include "parser/pop3/back.h"

namespace {

using namespace postigo;

void require(bool condition) {
  if (!condition) std::abort();
}

std::string run(Bytes input, uint8_t options, size_t piece) {
  BackPolicy policy;
  if (options & 1) policy.tls = BackPolicy::Tls::starttls;
  policy.forward_client = options & 2;
  BackLogin login;
  login.authcid = "bob";
  login.password = Secret(options & 4 ? " leading space" : "secret");
  if (options & 8) login.authzid = std::string(options & 16 ? 300 : 3, 'a');
  login.facts = {"192.0.2.7", 4711, "192.0.2.1", 110, "s1", true, "", 5};
  auto back = pop3::make_back(policy, std::move(login));
  Out out;
  std::string pending;
  Event event = Event::need_input;
  for (; !input.empty() && event == Event::need_input; input.remove_prefix(std::min(piece, input.size()))) {
    pending.append(input.substr(0, piece));
    do {
      Step step = back->feed(std::string(pending), out);
      require(step.consumed <= pending.size() && !out.overflowed());
      pending.erase(0, step.consumed);
      event = step.event;
      if (event == Event::start_tls) {
        require(pending.empty());
        back->tls_established(out);
      }
    } while (event == Event::start_tls);
  }
  require(std::count(out.view().begin(), out.view().end(), '\n') <= 5 && out.view().find("QUIT") == Bytes::npos);
  require(!has_ctl(back->reply().text) && !has_ctl(back->reply().code));
  std::string story(out.view());
  story.append(std::to_string(static_cast<int>(event))).append(back->reply().code + back->reply().text);
  // A line that is too long is noticed before its end arrives.
  return event == Event::unavailable ? story : story.append(pending).append(input);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2 || size > 40000) return 0;
  Bytes input(reinterpret_cast<const char*>(data) + 2, size - 2);
  std::string whole = run(input, data[0], input.size() + 1);
  std::string cut = run(input, data[0], 1 + data[1] % 16);
  require(data[0] & 1 || whole == cut);
  return 0;
}
