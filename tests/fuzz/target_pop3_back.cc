// The POP3 login against a lying backend. Octet 0 is the policy, octet 1 where to cut. Each line is a write of its own,
// but one that begins with 0x01 comes along with the one before. Cutting writes changes nothing; we send few commands,
// none of them QUIT; no login succeeds on an answer that was there before its question (T78); what we repeat of the
// backend is printable.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "parser/base/ascii.h"
#include "parser/pop3/back.h"

namespace {

using namespace postigo;

void require(bool condition) {
  if (!condition) std::abort();
}

// The writes, and whether one of them holds more than a line and what must not follow it.
std::vector<std::string> writes_of(Bytes input) {
  std::vector<std::string> writes;
  while (!input.empty()) {
    size_t end = std::min(input.find('\n'), input.size() - 1) + 1;
    Bytes line = input.substr(0, end);
    input.remove_prefix(end);
    bool glued = line[0] == 1;
    if (glued) line.remove_prefix(1);
    if (!glued || writes.empty()) writes.emplace_back();
    writes.back().append(line);
  }
  return writes;
}

struct Run {
  std::unique_ptr<BackDialogue> back;
  Out out;
  std::string pending;
  Event event = Event::need_input;

  Run(uint8_t options) {
    BackPolicy policy;
    if (options & 1) policy.tls = BackPolicy::Tls::starttls;
    policy.forward_client = options & 2;
    policy.proxy_header = options & 64;
    BackLogin login;
    login.authcid = options & 32 ? "j\xf6rg smith" : "bob";
    login.password = Secret(options & 4 ? " leading space" : "secret");
    if (options & 8) login.authzid = std::string(options & 16 ? 300 : 3, 'a');
    login.facts = {"192.0.2.7", 4711, "192.0.2.1", 110, "s1", true, "", 5, "pop.example"};
    back = pop3::make_back(policy, std::move(login));
  }

  void feed(Bytes bytes) {
    pending.append(bytes);
    while (event == Event::need_input && !pending.empty()) {
      size_t said = out.size();
      Step step = back->feed(std::string(pending), out);
      require(step.consumed <= pending.size() && !out.overflowed());
      pending.erase(0, step.consumed);
      event = step.event;
      bool only_blank = pending.find_first_not_of("\r\n") == std::string::npos;
      require(out.size() == said || only_blank);  // T78: nothing waits while we ask
      if (event == Event::start_tls) {
        require(pending.empty());
        back->tls_established(out);
        event = Event::need_input;
      } else if (event == Event::need_input) {
        return;
      }
    }
  }
};

std::string run(const std::vector<std::string>& writes, uint8_t options, size_t piece) {
  Run run(options);
  size_t left = writes.size();
  for (const std::string& write : writes) {
    // A write with more than one line is not cut: whether the second one is there already is the question.
    bool whole = std::count(write.begin(), write.end(), '\n') > 1 || !write.ends_with('\n');
    size_t step = whole ? write.size() : piece;
    for (size_t at = 0; at < write.size() && run.event == Event::need_input; at += step)
      run.feed(Bytes(write).substr(at, step));
    --left;
    if (run.event != Event::need_input) break;
  }
  require(std::count(run.out.view().begin(), run.out.view().end(), '\n') <= 9);
  require(run.out.view().find("QUIT") == Bytes::npos);
  require(!has_ctl(run.back->reply().text) && !has_ctl(run.back->reply().code));
  std::string story(run.out.view());
  story.append(std::to_string(static_cast<int>(run.event))).append(run.back->reply().code + run.back->reply().text);
  if (run.event == Event::need_input) story.append(run.back->lost() == Event::refused ? "no" : "");
  // A line that is too long is noticed before its end arrives.
  return run.event == Event::unavailable ? story : story.append(run.pending).append(std::to_string(left));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2 || size > 40000) return 0;
  std::vector<std::string> writes = writes_of({reinterpret_cast<const char*>(data) + 2, size - 2});
  require(run(writes, data[0], SIZE_MAX / 2) == run(writes, data[0], 1 + data[1] % 16));
  return 0;
}
