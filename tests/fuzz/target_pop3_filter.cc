// The POP3 relay filter against a second, slow implementation that works on whole lines. Octet 0 is the policy, octet 1
// where to cut; the rest are turns of client and backend separated by 0xFE. Both directions must come out as the model
// says at every chunking, and no CAPA body may show what is for others.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <string>
#include <vector>

#include "parser/base/ascii.h"
#include "parser/base/limits.h"
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

struct Model {
  const CapabilityPolicy& policy;
  std::string to_backend, to_client;
  std::deque<Shape> owed;
  bool overfull = false;
  bool quit = false;
  enum { between, listing, promising, capa } state = between;

  void client(const std::string& line) {
    std::string text = line.substr(0, line.size() - 1);
    if (text.ends_with('\r')) text.pop_back();
    overfull = overfull || owed.size() == pop3::ReplyQueue::kMax;
    std::string verb = upper(text.substr(0, text.find(' ')));
    bool passes = !verb.empty() && !has_ctl(text) && line.size() <= limits::kPop3RelayLineMax;
    for (const char* name : {"USER", "PASS", "AUTH", "APOP", "RPOP", "STLS", "XCLIENT", "XOIP", "XTND"}) {
      passes = passes && verb != name;
    }
    if (!passes) {
      owed.push_back(Shape::single);
      to_backend += "X\r\n";
      return;
    }
    while (text.ends_with(' ')) text.pop_back();
    bool argument = text.size() > verb.size();
    Shape shape = Shape::single;
    if (verb == "CAPA") shape = argument ? Shape::capa_of : Shape::capa;
    if (verb == "RETR" || verb == "TOP") shape = Shape::listing;
    if (!argument && (verb == "LIST" || verb == "UIDL" || verb == "LANG")) shape = Shape::listing;
    owed.push_back(shape);
    quit = quit || verb == "QUIT";
    to_backend += text + "\r\n";
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
    if (state == between && line[0] == '-' && !owed.empty() && owed.front() == Shape::capa) {
      owed.pop_front();
      to_client += "+OK\r\n";
      promise();
      to_client += ".\r\n";
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
    state = shape == Shape::listing ? listing : promising;
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
    pass(waiting, to_backend, &RelayFilter::from_client);
  }
  void backend(std::string input) {
    pass(input, to_client, &RelayFilter::from_backend);
    require(input.empty());
  }
  // Offers `piece` octets more each time.
  void pass(std::string& in, std::string& out, FilterStep (RelayFilter::*direction)(Bytes, Slices&)) {
    using State = FilterStep::State;
    for (size_t offered = std::min(piece, in.size()); offered > 0;) {
      std::string chunk = in.substr(0, offered);
      Slices slices;
      FilterStep result = (filter.*direction)(chunk, slices);
      size_t before = out.size();
      for (Bytes slice : slices.all()) out.append(slice);
      in.erase(0, result.consumed);
      require(result.state != State::broken);
      require(result.state != State::ok || result.consumed > 0 || out.size() > before);
      offered -= result.consumed;
      bool waits = result.state != State::ok || offered == 0;
      if (waits && offered == in.size()) return;
      if (waits) offered = std::min(offered + piece, in.size());
    }
  }
};

void compare(const std::vector<std::string>& turns, const std::shared_ptr<const CapabilityPolicy>& policy,
             size_t piece) {
  std::vector<Counter> counts(pop3::kVerbs.size());
  auto filter = pop3::make_filter(policy, {}, counts.data());
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
