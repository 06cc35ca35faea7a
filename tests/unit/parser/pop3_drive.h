// Drives the three POP3 machines through strings and writes down all that they do, so that tests compare stories and
// every way to cut the input must tell the same one.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "parser/pop3/back.h"
#include "parser/pop3/filter.h"
#include "parser/pop3/front.h"
#include "parser/pop3/reply_queue.h"
#include "tests/fakes/sasl_facts.h"

namespace postigo::pop3 {

using Chunks = std::vector<std::string>;

// The input whole, then cut in two at every place, then octet by octet.
inline std::vector<Chunks> every_split(const std::string& input) {
  std::vector<Chunks> all{{input}};
  for (size_t i = 1; i < input.size(); ++i) all.push_back({input.substr(0, i), input.substr(i)});
  Chunks octets;
  for (char c : input) octets.emplace_back(1, c);
  all.push_back(octets);
  return all;
}

// The same for what a backend says: one write per answer, as an answer that is there before its question is an event of
// its own (T78); each of them cut in two at every place.
inline Chunks answers(const std::string& input) {
  Chunks lines;
  for (size_t begin = 0, end; begin < input.size(); begin = end) {
    end = input.find('\n', begin);
    end = end == std::string::npos ? input.size() : end + 1;
    lines.push_back(input.substr(begin, end - begin));
  }
  return lines;
}
inline std::vector<Chunks> every_split_of_answers(const std::string& input) {
  std::vector<Chunks> all{every_split(input).back()};
  Chunks lines = answers(input);
  for (size_t i = 0; i < lines.size(); ++i) {
    for (size_t at = 1; at < lines[i].size(); ++at) {
      Chunks cut = lines;
      cut[i].resize(at);
      cut.insert(cut.begin() + static_cast<std::ptrdiff_t>(i) + 1, lines[i].substr(at));
      all.push_back(cut);
    }
  }
  return all;
}

// The answer to an authenticate event: nothing means accept.
using Answers = std::vector<Refusal>;

struct FrontRun {
  FrontPolicy policy;
  std::shared_ptr<CapabilityPolicy> capabilities = std::make_shared<CapabilityPolicy>();
  bool tls = true;
  FakeFacts facts;
  Answers refusals;  // one per attempt, then accept

  FrontRun() {
    policy.hostname = "mail.example";
    policy.starttls_offered = true;
    policy.mechanisms = {"PLAIN", "LOGIN"};
  }

  // Replies as they are, events in <>. What is left unread at the end is shown in {}.
  std::string operator()(const Chunks& chunks) {
    policy.capabilities = capabilities;
    auto front = make_front(policy, tls, facts);
    Out out;
    front->open(out);
    std::string story = std::string(out.view());
    std::string pending;
    size_t attempts = 0;
    bool over = false;
    for (const std::string& chunk : chunks) {
      pending += chunk;
      for (bool again = true; again && !over;) {
        out.clear();
        Step step = front->feed(pending, out);
        EXPECT_FALSE(out.overflowed());
        EXPECT_LE(step.consumed, pending.size());
        pending.erase(0, step.consumed);
        story += out.view();
        again = step.event == Event::authenticate || step.event == Event::start_tls;
        story += tell(step.event, *front);
        out.clear();
        if (step.event == Event::hang_up) over = true;
        if (step.event == Event::start_tls) {
          if (!pending.empty()) story += "[" + pending + "]\n";  // TLS's, whatever it is
          pending.clear();
          front->tls_established();
        }
        if (step.event == Event::authenticate) {
          if (attempts < refusals.size()) {
            over = front->refuse(refusals[attempts++], out) == Event::hang_up;
          } else {
            front->accept({}, out);
            over = true;
          }
          story += out.view();
        }
      }
    }
    if (!pending.empty()) story += "{" + pending + "}";
    return story;
  }
  std::string operator()(const std::string& input) { return (*this)(Chunks{input}); }

  static std::string tell(Event event, FrontDialogue& front) {
    switch (event) {
      case Event::authenticate: {
        const Credentials& who = front.credentials();
        return "<" + who.mechanism + " " + who.user + (who.authzid.empty() ? "" : " as " + who.authzid) +
               (who.possible ? " with " + std::string(who.password.reveal()) : " impossible") + ">\n";
      }
      case Event::start_tls:
        return "<start_tls>\n";
      case Event::hang_up:
        return "<hang_up>\n";
      default:
        return "";
    }
  }
};

struct BackRun {
  BackPolicy policy;
  BackLogin login;
  BackendReply reply;  // after the run
  size_t commands = 0;
  Event end = Event::need_input;
  Event after_loss = Event::need_input;  // what the end of the connection would mean, if the run has no other end

  BackRun() {
    login.authcid = "bob";
    login.password = Secret("pw");
  }

  // What we send as it is, events in <>, what is left unread in {}.
  std::string operator()(const Chunks& chunks) {
    auto back = make_back(policy, login);
    Out out;
    std::string story;
    std::string pending;
    end = Event::need_input;
    for (const std::string& chunk : chunks) {
      pending += chunk;
      for (bool again = true; again && end == Event::need_input;) {
        out.clear();
        Step step = back->feed(pending, out);
        EXPECT_LE(step.consumed, pending.size());
        pending.erase(0, step.consumed);
        again = step.event == Event::start_tls;
        story += out.view();
        if (again) {
          EXPECT_TRUE(pending.empty());
          story += "<start_tls>\n";
          out.clear();
          back->tls_established(out);
          story += out.view();
        } else {
          end = step.event;
        }
      }
    }
    if (end == Event::logged_in) story += "<logged_in>\n";
    if (end == Event::refused) story += "<refused>\n";
    if (end == Event::unavailable) story += "<unavailable>\n";
    if (!pending.empty()) story += "{" + pending + "}";
    reply = back->reply();
    if (end == Event::need_input) after_loss = back->lost();
    commands = static_cast<size_t>(std::count(story.begin(), story.end(), '\r'));
    return story;
  }
  std::string operator()(const std::string& input) { return (*this)(answers(input)); }
};

struct FilterRun {
  std::shared_ptr<CapabilityPolicy> policy = std::make_shared<CapabilityPolicy>();
  std::vector<Counter> counts = std::vector<Counter>(kVerbs.size());
  Counter lists;
  std::unique_ptr<RelayFilter> filter = make_filter(policy, {}, {counts.data(), &lists});
  bool blocked = false;

  // Both return what went out; what a blocked client could not say stays in `held`.
  std::string client(Bytes in) {
    held.append(in);
    std::string out;
    blocked = pump(held, out, &RelayFilter::from_client) == FilterStep::State::blocked;
    return out;
  }
  std::string backend(Bytes in) {
    std::string rest(in);
    std::string out;
    EXPECT_EQ(pump(rest, out, &RelayFilter::from_backend), FilterStep::State::ok);
    EXPECT_EQ(rest, "");
    return out;
  }
  uint64_t counted(std::string_view verb) const {
    for (size_t i = 0; i < kVerbs.size(); ++i) {
      if (kVerbs[i] == verb) return counts[i].get();
    }
    return ~uint64_t{0};
  }
  std::string held;

 private:
  FilterStep::State pump(std::string& in, std::string& out, FilterStep (RelayFilter::*direction)(Bytes, Slices&)) {
    for (;;) {
      Slices slices;
      // A copy of its own for each call, so that a slice that outlives its input is caught by the sanitizer.
      auto copy = std::make_unique<std::string>(in);
      FilterStep step = (filter.get()->*direction)(*copy, slices);
      for (Bytes slice : slices.all()) out.append(slice);
      in.erase(0, step.consumed);
      if (in.empty() || step.state != FilterStep::State::ok) return step.state;
      if (step.consumed == 0 && slices.all().empty()) {
        ADD_FAILURE() << "the filter makes no progress";
        return FilterStep::State::broken;
      }
    }
  }
};

}  // namespace postigo::pop3
