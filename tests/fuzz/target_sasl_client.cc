// Mechanisms towards a hostile backend: no crash, bounded work and answers, no yes that counts without a proof, and
// with mechanisms that keep the password back it is in nothing that we say. The first octet picks the mechanism, the
// second what else there is; then challenges, one a line, as they are behind base64. The same talk is then held through
// both dialogues, where it must end the same way.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "parser/base/ascii.h"
#include "parser/base/base64.h"
#include "parser/imap/back.h"
#include "parser/pop3/back.h"
#include "parser/sasl/client.h"
#include "parser/sasl/kept_keys.h"
#include "tests/fakes/sasl_facts.h"
#include "tests/fuzz/chunks.h"

namespace {

using namespace postigo;

constexpr Bytes kPassword = "pencil";

std::vector<std::string> lines_of(Bytes input) {
  std::vector<std::string> lines;
  while (!input.empty() && lines.size() < 8) {
    size_t end = std::min(input.find('\n'), input.size());
    lines.emplace_back(input.substr(0, end));
    input.remove_prefix(std::min(end + 1, input.size()));
  }
  return lines;
}

struct Scene {
  FakeFacts facts;
  sasl::KeptKeys kept;
  BackPolicy policy;

  Scene(const sasl::ClientMechanism& row, uint8_t options) {
    facts.said = "rOprNGfwEbeRWgbNEkqO";
    if (row.binds || (options & 1) != 0) facts.bindings["tls-exporter"] = "of the connection";
    policy.mechanism = row.name;
    policy.channel = &facts;
    policy.kept = &kept;
  }

  static BackLogin login(const sasl::ClientMechanism& row, uint8_t options) {
    BackLogin made;
    made.authcid = (options & 2) != 0 ? "us=e,r" : "user";
    if (row.authzid && (options & 4) != 0) made.authzid = "bob";
    made.master = (options & 8) != 0;
    made.key = row.key;
    if (row.key == DoorKey::certificate) made.authzid = made.authcid;
    if (row.key != DoorKey::certificate) made.password = Secret(kPassword);
    return made;
  }
};

// What the mechanism itself makes of it: whether a yes at the end would count. `deaf`: to challenges behind the end, as
// IMAP is to a "+" that nobody waits for.
bool alone(const sasl::ClientMechanism& row, uint8_t options, const std::vector<std::string>& challenges, bool deaf) {
  Scene scene(row, options);
  const BackLogin login = Scene::login(row, options);
  auto client = row.make({login, &scene.facts, &scene.kept, row.binds});
  std::string said;
  if (auto initial = client->initial()) said.append(initial->reveal());
  bool broken = false;
  for (const std::string& challenge : challenges) {
    if (deaf && client->complete()) break;
    auto answer = client->respond(challenge);
    fuzz::check(answer || !has_ctl(answer.error().message), "an error is a line");
    broken = broken || !answer;
    if (broken) break;
    fuzz::check(answer->size() < 4096 + challenge.size(), "answers are bounded");
    said.append(answer->reveal());
    fuzz::check(!row.proves || !client->accepted() || client->complete(), "no yes before the proof");
  }
  fuzz::check(!row.proves || said.find(kPassword) == std::string::npos, "the password is kept back");
  fuzz::check(client->told().size() <= 1024 && !has_ctl(client->told()), "a reason is a short line");
  return !broken && client->accepted();
}

// The same by a dialogue. `yes`: the backend's word at the end.
Event talk(BackDialogue& back, const std::string& greeting, const std::vector<std::string>& challenges,
           const std::string& yes) {
  Out out;
  std::string said;
  std::vector<std::string> writes = {greeting};
  for (const std::string& challenge : challenges) writes.push_back("+ " + base64_encode(challenge) + "\r\n");
  writes.push_back(yes);
  for (const std::string& write : writes) {
    Event event = back.feed(write, out).event;
    fuzz::check(!out.overflowed(), "within bounds");
    said.append(out.view());
    out.clear();
    if (event == Event::need_input) continue;
    fuzz::check(!has_ctl(back.reply().text), "a reply is a line");
    return event;
  }
  return Event::need_input;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2 || size > 20000) return 0;
  const auto rows = sasl::client_mechanisms();
  const sasl::ClientMechanism& row = rows[data[0] % rows.size()];
  const auto challenges = lines_of({reinterpret_cast<const char*>(data) + 2, size - 2});
  const bool counts = alone(row, data[1], challenges, false), counts_in_imap = alone(row, data[1], challenges, true);
  if (row.name == "PLAIN") return 0;  // the password itself, in many ways: the other targets

  Scene scene(row, data[1]);
  auto imap = imap::make_back(scene.policy, Scene::login(row, data[1]));
  Event event = talk(*imap, "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=" + std::string(row.name) + "] hi\r\n", challenges,
                     "P4 OK [CAPABILITY IMAP4rev1] in\r\n");
  fuzz::check(event != Event::logged_in || counts_in_imap, "IMAP: nobody comes in without a proof");
  fuzz::check(!row.proves || event != Event::logged_in || challenges.size() >= 2, "IMAP: not without two challenges");
  auto pop3 = pop3::make_back(scene.policy, Scene::login(row, data[1]));
  Out out;
  pop3->feed("+OK hi\r\n", out);
  event = talk(*pop3, "+OK\r\nSASL " + std::string(row.name) + "\r\n.\r\n", challenges, "+OK in\r\n");
  fuzz::check(event != Event::logged_in || counts, "POP3: nobody comes in without a proof");
  return 0;
}
