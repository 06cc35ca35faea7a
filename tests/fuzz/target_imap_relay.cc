// The IMAP relay filter between a client that sends anything at any time and a backend that keeps the protocol: the
// backend is never asked to leave our user (T41), never gets a non-synchronising literal, takes every octet of a
// granted literal, and nothing ever hangs. First octets: the backend's moods; the rest is what the client sends.
#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "parser/base/ascii.h"
#include "parser/framing/literal_tail.h"
#include "parser/imap/filter.h"
#include "parser/imap/verbs.h"
#include "tests/fuzz/chunks.h"

namespace {

using namespace postigo;

// Reads as Dovecot does: the tag up to a blank, the verb up to a blank; or, by mood, skipping blanks, or taking tabs
// for blanks.
class Backend {
 public:
  explicit Backend(uint64_t mood) : decisions_(mood), lenient_(decisions_.yes()), tabs_(decisions_.yes()) {}

  void receive(Bytes octets) {
    for (char c : octets) {
      if (literal_ > 0) {
        --literal_;
        continue;
      }
      line_ += c;
      if (c == '\n') on_line();
    }
  }
  std::deque<std::string> replies;

 private:
  Bytes word(Bytes& text) {
    while (lenient_ && !text.empty() && (text[0] == ' ' || text[0] == '\t')) text.remove_prefix(1);
    Bytes result = text.substr(0, text.find_first_of(tabs_ ? " \t\r\n" : " \r\n"));
    text.remove_prefix(result.size());
    if (text.starts_with(' ') || (tabs_ && text.starts_with('\t'))) text.remove_prefix(1);
    return result;
  }

  void on_line() {
    std::string line = std::exchange(line_, {});
    if (idle_) {
      idle_ = false;
      line.erase(line.find_last_not_of("\r\n") + 1);
      return reply(tag_ + (equal_ignoring_case(line, "DONE") ? " OK idle is over" : " BAD expected DONE"));
    }
    if (!continued_) {
      Bytes text = line;
      tag_ = word(text);
      verb_ = upper(word(text));
      for (const char* verb : {"UNAUTHENTICATE", "LOGIN", "AUTHENTICATE", "STARTTLS", "COMPRESS"}) {
        fuzz::check(verb_ != verb, "no forbidden verb reaches the backend");
      }
      if (tag_.empty() || tag_[0] == '*' || tag_[0] == '+') return reply("* BAD no tag");
      if (verb_.empty()) return reply(decisions_.yes() ? "* BAD no command" : tag_ + " BAD no command");
    }
    continued_ = false;
    LiteralTail tail;
    tail.feed(Bytes(line).substr(0, line.size() - 1));
    if (tail.found()) {
      fuzz::check(tail.sync(), "non-synchronising literals do not reach the backend");
      if (decisions_.below(3) == 0) return reply(tag_ + " NO no literal today");
      literal_ = tail.size();
      continued_ = true;
      return reply("+ go on");
    }
    if (verb_ == "IDLE" && decisions_.below(4) != 0) {
      idle_ = true;
      return reply("+ idling");
    }
    reply(tag_ + (decisions_.yes() ? " OK done" : " NO not done"));
  }

  void reply(std::string text) {
    if (decisions_.below(4) == 0) replies.push_back("* 1 FETCH (BODY[] {7}\r\na OK x\n UID 3)\r\n");
    replies.push_back(std::move(text) + "\r\n");
  }

  fuzz::Decisions decisions_;
  bool lenient_;
  bool tabs_;
  std::string line_;
  std::string tag_;
  std::string verb_;
  uint64_t literal_ = 0;
  bool continued_ = false;
  bool idle_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  std::string from_client(reinterpret_cast<const char*>(data) + 2, size - 2);
  Backend backend(data[0]);
  fuzz::Decisions decisions(data[1]);
  std::array<Counter, imap::kVerbs.size()> counts;
  auto filter = imap::make_filter(std::make_shared<CapabilityPolicy>(), counts.data());
  size_t style = decisions.below(4) * 5;

  while (!from_client.empty() || !backend.replies.empty()) {
    bool speaks = !backend.replies.empty() && decisions.yes();
    if (speaks) {
      Slices slices;
      const std::string& reply = backend.replies.front();
      for (Bytes rest = reply; !rest.empty(); slices.clear()) {
        rest.remove_prefix(filter->from_backend(rest, slices).consumed);
      }
      backend.replies.pop_front();
    }
    size_t offered = std::min(decisions.chunk(style), from_client.size());
    if (offered == 0) continue;
    Slices slices;
    FilterStep step = filter->from_client(Bytes(from_client).substr(0, offered), slices);
    for (Bytes slice : slices.all()) backend.receive(slice);
    from_client.erase(0, step.consumed);
    if (step.state == FilterStep::State::broken) return 0;
    bool stuck = step.state == FilterStep::State::blocked && step.consumed == 0 && backend.replies.empty();
    fuzz::check(!stuck || speaks, "nothing hangs");
  }
  return 0;
}
