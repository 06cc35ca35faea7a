// The IMAP relay filter on arbitrary octets from both sides: no crash, no standstill, and the same octets at every
// chunking. What reaches the client is read again by a simple parser that knows nothing of the filter: no list in it
// names anything forbidden. First octet: policy; then the sides speak in turn, separated by 0xff.
#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "parser/base/ascii.h"
#include "parser/imap/filter.h"
#include "parser/imap/verbs.h"
#include "tests/fuzz/chunks.h"

namespace {

using namespace postigo;

struct Outcome {
  std::string to_client;
  std::string to_backend;
  std::string unread;
  uint64_t commands = 0;
  bool broken = false;
  bool transparent = false;
  bool operator==(const Outcome& other) const {
    return to_client == other.to_client && to_backend == other.to_backend && unread == other.unread &&
           commands == other.commands && broken == other.broken && transparent == other.transparent;
  }
};

using Feed = FilterStep (RelayFilter::*)(Bytes, Slices&);

// Offers `pending` chunk by chunk until it is consumed or may not pass.
bool offer(RelayFilter& filter, Feed feed, std::string& pending, std::string& to, size_t style,
           fuzz::Decisions& decisions) {
  size_t offered = 0;
  while (offered < pending.size()) {
    offered += std::min(decisions.chunk(style), pending.size() - offered);
    while (offered > 0) {
      std::unique_ptr<char[]> exact(new char[offered]);
      std::copy_n(pending.begin(), offered, exact.get());
      Slices slices;
      FilterStep step = (filter.*feed)({exact.get(), offered}, slices);
      for (Bytes slice : slices.all()) to += slice;
      pending.erase(0, step.consumed);
      offered -= step.consumed;
      if (step.state == FilterStep::State::broken) return false;
      if (step.state != FilterStep::State::ok) {
        fuzz::check(offered > 0, "blocked and more leave something to come back for");
        break;
      }
      fuzz::check(step.consumed > 0 || !slices.all().empty(), "ok makes progress");
    }
    if (offered > 0 && offered == pending.size()) return true;
  }
  return true;
}

Outcome run(const std::vector<std::string>& turns, uint8_t bits, size_t style) {
  auto policy = std::make_shared<CapabilityPolicy>();
  policy->allow_compress = (bits & 1) != 0;
  if ((bits & 2) != 0) policy->add = {"XA", "IDLE", "XB", "STARTTLS"};
  if ((bits & 4) != 0) policy->hide = {"MOVE", "XB"};
  std::vector<std::string> backend;
  if ((bits & 8) != 0) backend = {"LITERAL+"};
  std::array<Counter, imap::kVerbs.size()> counts;
  auto filter = imap::make_filter(policy, backend, counts.data());
  fuzz::Decisions decisions(style + 1);
  Outcome outcome;
  std::string from_client;
  for (size_t i = 0; i < turns.size() && !outcome.broken; ++i) {
    if (i % 2 == 0) {
      from_client += turns[i];
    } else {
      std::string from_backend = turns[i];
      outcome.broken = !offer(*filter, &RelayFilter::from_backend, from_backend, outcome.to_client, style, decisions);
    }
    if (!outcome.broken) {
      outcome.broken = !offer(*filter, &RelayFilter::from_client, from_client, outcome.to_backend, style, decisions);
    }
  }
  outcome.unread = from_client;
  outcome.commands = filter->commands();
  outcome.transparent = filter->transparent();
  uint64_t counted = 0;
  for (const Counter& counter : counts) counted += counter.get();
  fuzz::check(counted == outcome.commands, "every command is counted once");
  return outcome;
}

bool take(Bytes& text, Bytes word) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  if (!starts_with_ignoring_case(text, word)) return false;
  text.remove_prefix(word.size());
  return true;
}

void check_list(Bytes list) {
  while (!list.empty()) {
    size_t end = list.find_first_of(" \r");
    std::string name = upper(list.substr(0, end));
    list.remove_prefix(end == Bytes::npos ? list.size() : end + 1);
    fuzz::check(!name.starts_with("AUTH=") && name != "STARTTLS" && name != "UNAUTHENTICATE" &&
                    name != "LOGINDISABLED" && name != "SASL-IR",
                "no forbidden name reaches the client");
  }
}

// The size of the literal that the line announces, or npos.
size_t literal_size(Bytes line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  size_t open = line.rfind('{');
  if (open == Bytes::npos || !line.ends_with('}') || line.size() - open > 25) return Bytes::npos;
  Bytes number = line.substr(open + 1, line.size() - open - 2);
  if (number.ends_with('+')) number.remove_suffix(1);
  bool digits = !number.empty() && std::all_of(number.begin(), number.end(), is_digit);
  if (!digits) return Bytes::npos;
  return number.size() > 18 ? Bytes::npos - 1 : std::stoul(std::string(number));  // more than will ever come
}

void check_lists(Bytes stream) {
  for (size_t end; (end = stream.find('\n')) != Bytes::npos;) {
    Bytes line = stream.substr(0, end);
    stream.remove_prefix(end + 1);
    if (line.starts_with('+')) continue;
    Bytes text = line.substr(std::min(line.find(' '), line.size()));
    bool untagged = line.starts_with("* ");
    if (untagged && take(text, "CAPABILITY ")) check_list(text.substr(0, text.find('\r')));
    bool status = take(text, "OK ") || take(text, "NO ") || take(text, "BAD ") ||
                  (untagged && (take(text, "BYE ") || take(text, "PREAUTH ")));
    if (status && take(text, "[CAPABILITY ")) check_list(text.substr(0, text.find_first_of("]\r")));
    if (status || !line.starts_with("* ")) continue;
    // The rest of a response with literals is not a response.
    for (size_t octets; (octets = literal_size(line)) != Bytes::npos && octets <= stream.size();) {
      stream.remove_prefix(octets);
      end = std::min(stream.find('\n'), stream.size());
      line = stream.substr(0, end);
      stream.remove_prefix(std::min(end + 1, stream.size()));
    }
    if (literal_size(line) != Bytes::npos) return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  Bytes input(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::vector<std::string> turns;
  while (!input.empty()) {
    size_t end = std::min(input.find('\xff'), input.size());
    turns.emplace_back(input.substr(0, end));
    input.remove_prefix(std::min(end + 1, input.size()));
  }
  Outcome whole = run(turns, data[0], 0);
  for (size_t style : {1U, 4U, 30U}) {
    fuzz::check(run(turns, data[0], style) == whole, "chunks are invisible");
  }
  if (!whole.transparent) check_lists(whole.to_client);
  return 0;
}
