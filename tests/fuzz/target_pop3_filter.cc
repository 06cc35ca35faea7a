// The POP3 relay filter against a second, slow implementation that works on whole lines. Octet 0 is the policy, octet 1
// where to cut; the rest are turns of client and backend separated by 0xFE. Both directions must come out as the model
// says at every chunking, and no CAPA body may show what is for others.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <string>
#include <vector>

#include "parser/base/ascii.h"
#include "parser/pop3/capa.h"
#include "parser/pop3/filter.h"
#include "parser/pop3/reply_queue.h"

namespace {

using namespace postigo;
using pop3::Shape;

void require(bool condition) {
  if (!condition) std::abort();
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    size_t end = text.find('\n', at) + 1;
    lines.push_back(text.substr(at, end - at));
    at = end;
  }
  return lines;
}

bool blank(char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; }

struct Model {
  const CapabilityPolicy& policy;
  std::string to_backend, to_client;
  std::deque<Shape> owed;
  bool overfull = false;
  bool quit = false;
  enum { between, listing, promising, capa } state = between;

  void client(const std::string& line) {
    size_t start = 0, end;
    while (start < line.size() && blank(line[start])) ++start;
    for (end = start; end < line.size() && !blank(line[end]); ++end) {
    }
    std::string verb = upper(line.substr(start, end - start));
    bool argument = false;
    for (size_t i = end; i < line.size(); ++i) argument = argument || !blank(line[i]);
    overfull = overfull || owed.size() == pop3::ReplyQueue::kMax;
    Shape shape = Shape::single;
    if (verb == "CAPA") shape = Shape::capa;
    if (verb == "RETR" || verb == "TOP") shape = Shape::listing;
    if (!argument && (verb == "LIST" || verb == "UIDL" || verb == "LANG")) shape = Shape::listing;
    owed.push_back(shape);
    quit = quit || verb == "QUIT";
    if (verb.empty()) {
      to_backend += line.substr(0, line.size() - 1) + "X\n";
      return;
    }
    for (const char* name : {"USER", "PASS", "AUTH", "APOP", "RPOP", "STLS", "XCLIENT", "XOIP", "XTND"}) {
      if (verb != name) continue;
      to_backend += line.substr(0, start) + std::string(verb.size(), 'X') + "\r\n";
      return;
    }
    to_backend += line;
  }

  void backend(const std::string& line) {
    bool dot = line == ".\r\n" || line == ".\n";
    if (state == promising) {
      promise();
      state = capa;
    }
    if (state == capa) {
      if (!dot) return capability(line);
      to_client += ".\r\n";
      state = between;
      return;
    }
    to_client += line;
    if (state == listing) {
      if (dot) state = between;
      return;
    }
    if (owed.empty() || (line[0] != '+' && line[0] != '-')) return;
    Shape shape = owed.front();
    owed.pop_front();
    if (line[0] == '-' || shape == Shape::single) return;
    state = shape == Shape::capa ? promising : listing;
  }

  void promise() {
    for (auto name : pop3::kPromised) {
      if (!pop3::hidden(policy, name)) to_client += std::string(name) + "\r\n";
    }
    for (const std::string& added : policy.add) to_client += added + "\r\n";
  }

  void capability(const std::string& line) {
    size_t end = 0;
    while (static_cast<unsigned char>(line[end]) > 0x20) ++end;
    std::string tag = upper(line.substr(0, end));
    bool known = tag == "CAPA" || tag == "EXPIRE" || tag == "LOGIN-DELAY" || tag == "LANG";
    if (known && !pop3::hidden(policy, tag)) to_client += tag + line.substr(end);
  }
};

struct Run {
  RelayFilter& filter;
  size_t piece;
  std::string to_backend, to_client, waiting;

  void client(const std::string& input) {
    waiting += input;
    while (step(waiting, to_backend, &RelayFilter::from_client)) {
    }
  }
  void backend(std::string input) {
    while (step(input, to_client, &RelayFilter::from_backend)) {
    }
    require(input.empty());
  }
  bool step(std::string& in, std::string& out, FilterStep (RelayFilter::*direction)(Bytes, Slices&)) {
    if (in.empty()) return false;
    std::string chunk = in.substr(0, piece);
    Slices slices;
    FilterStep result = (filter.*direction)(chunk, slices);
    size_t before = out.size();
    for (Bytes slice : slices.all()) out.append(slice);
    in.erase(0, result.consumed);
    require(result.state != FilterStep::State::broken);
    require(result.state == FilterStep::State::blocked || result.consumed > 0 || out.size() > before);
    return result.state == FilterStep::State::ok;
  }
};

void compare(const std::vector<std::string>& turns, const std::shared_ptr<const CapabilityPolicy>& policy,
             size_t piece) {
  std::vector<Counter> counts(pop3::kVerbs.size());
  auto filter = pop3::make_filter(policy, counts.data());
  Model model{*policy, {}, {}, {}};
  Run run{*filter, piece, {}, {}, {}};
  for (size_t i = 0; i < turns.size(); ++i) {
    if (i % 2 == 0) run.client(turns[i]);
    if (i % 2 == 1) run.backend(turns[i]);
    for (const std::string& line : lines_of(turns[i])) i % 2 == 0 ? model.client(line) : model.backend(line);
    if (model.overfull) return;  // from here on the client waits, and the model does not
    require(run.to_backend == model.to_backend && run.to_client == model.to_client);
    require(filter->at_line_start() == (model.state == Model::between) && filter->said_quit() == model.quit);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2 || size > 20000) return 0;
  auto policy = std::make_shared<CapabilityPolicy>();
  if (data[0] & 1) policy->hide = {"TOP", "LANG"};
  for (int i = 0; i < (data[0] >> 4); ++i) policy->add.push_back("X-" + std::to_string(i));
  std::vector<std::string> turns(1);
  for (size_t i = 2; i < size; ++i) {
    if (data[i] == 0xfe) {
      turns.emplace_back();
    } else {
      turns.back() += static_cast<char>(data[i]);
    }
  }
  for (std::string& turn : turns) turn += "\n";
  compare(turns, policy, size);
  compare(turns, policy, 1 + data[1] % 16);
  return 0;
}
