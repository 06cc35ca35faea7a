// What does one login cost, from the greetings to the moment when bytes may flow: both dialogues, no sockets, no TLS,
// no directory? In time and in heap allocations; both objects are made and destroyed each time.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "bench/allocations.h"
#include "parser/protocol.h"
#include "tests/fakes/sasl_facts.h"

namespace postigo {
namespace {

constexpr std::string_view kDovecot =
    "[CAPABILITY IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT SORT=DISPLAY THREAD=REFERENCES THREAD=REFS "
    "THREAD=ORDEREDSUBJECT MULTIAPPEND URL-PARTIAL CATENATE UNSELECT CHILDREN NAMESPACE UIDPLUS LIST-EXTENDED "
    "I18NLEVEL=1 CONDSTORE QRESYNC ESEARCH ESORT SEARCHRES WITHIN CONTEXT=SEARCH LIST-STATUS BINARY MOVE SNIPPET=FUZZY "
    "PREVIEW=FUZZY PREVIEW STATUS=SIZE SAVEDATE LITERAL+ NOTIFY SPECIAL-USE]";

// What each side hears, in order; a line is one call to feed, as it is one packet.
struct Script {
  const char* protocol;
  std::vector<std::string> client, backend;
};

Script imap(std::vector<std::string> client) {
  std::string ok = " OK " + std::string(kDovecot) + " Logged in\r\n";
  return {
      "imap", std::move(client), {"* OK [CAPABILITY IMAP4rev1 SASL-IR LITERAL+ AUTH=PLAIN] Dovecot ready.\r\n", ok}};
}

const Script kImapLogin = imap({"a1 LOGIN alice@example.com \"correct horse\"\r\n"});
const Script kImapPlain = imap({"a1 AUTHENTICATE PLAIN AGFsaWNlQGV4YW1wbGUuY29tAGNvcnJlY3QgaG9yc2U=\r\n"});
const Script kImapChatty = imap({"a1 CAPABILITY\r\n", "a2 ID (\"name\" \"Thunderbird\" \"version\" \"128.0\")\r\n",
                                 "a3 AUTHENTICATE PLAIN\r\n", "AGFsaWNlQGV4YW1wbGUuY29tAGNvcnJlY3QgaG9yc2U=\r\n"});

Script pop3(std::vector<std::string> client) {
  return {"pop3", std::move(client), {"+OK Dovecot ready.\r\n", "+OK\r\n", "+OK Logged in.\r\n"}};
}

const Script kPop3User = pop3({"USER alice@example.com\r\n", "PASS correct horse\r\n"});
const Script kPop3Plain = pop3({"AUTH PLAIN AGFsaWNlQGV4YW1wbGUuY29tAGNvcnJlY3QgaG9yc2U=\r\n"});

class Login {
 public:
  Login() {
    policy_.hostname = "mail.example.com";
    policy_.mechanisms = {"PLAIN", "LOGIN"};
    policy_.capabilities = std::make_shared<CapabilityPolicy>();
  }

  // One login; false if the script does not lead there.
  bool operator()(const Script& script) const {
    const Protocol& protocol = *find_protocol(script.protocol);
    std::unique_ptr<FrontDialogue> front = protocol.make_front(policy_, true, facts_);
    Out out;
    front->open(out);
    Step step;
    for (const std::string& line : script.client) {
      out.clear();
      step = front->feed(line, out);
    }
    if (step.event != Event::authenticate) return false;

    BackLogin login;
    login.authcid = front->credentials().user;
    login.password = front->credentials().password;
    std::unique_ptr<BackDialogue> back = protocol.make_back({}, std::move(login));
    std::string tag;
    for (const std::string& line : script.backend) {
      out.clear();
      step = back->feed(line.starts_with(" OK") ? tag + line : line, out);
      if (!out.empty()) tag = out.view().substr(0, out.view().find(' '));
    }
    if (step.event != Event::logged_in) return false;
    out.clear();
    front->accept(back->capabilities(), out);
    benchmark::DoNotOptimize(out.view().data());
    return true;
  }

 private:
  FrontPolicy policy_;
  FakeFacts facts_;
};

void BM_Login(benchmark::State& state, const Script& script) {
  Login login;
  if (!login(script)) {
    state.SkipWithError("the script does not lead to a login");
    return;
  }
  uint64_t calls = bench::allocations, bytes = bench::allocated_bytes;
  for (auto _ : state) login(script);
  auto per_login = benchmark::Counter::kAvgIterations;
  state.counters["allocations"] = {static_cast<double>(bench::allocations - calls), per_login};
  state.counters["heap_bytes"] = {static_cast<double>(bench::allocated_bytes - bytes), per_login};
}

BENCHMARK_CAPTURE(BM_Login, ImapLogin, kImapLogin);
BENCHMARK_CAPTURE(BM_Login, ImapPlain, kImapPlain);
BENCHMARK_CAPTURE(BM_Login, ImapChatty, kImapChatty);
BENCHMARK_CAPTURE(BM_Login, Pop3User, kPop3User);
BENCHMARK_CAPTURE(BM_Login, Pop3Plain, kPop3Plain);

}  // namespace
}  // namespace postigo
