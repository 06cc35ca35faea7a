// One session of the IMAP relay filter between a client that sends anything at any time and an ImapBackend, with the
// oracles that both the fuzz target and the adversary use.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "parser/imap/filter.h"
#include "parser/imap/verbs.h"
#include "tests/fuzz/imap_backend.h"

namespace postigo::fuzz {

// moods: which manners the backend has, and what it lists. seed: chunks, turns, answers.
class ImapRelay {
 public:
  ImapRelay(uint8_t moods, uint64_t seed) : decisions_(seed), manners_(manners_of(moods)), backend_(seed, manners_) {
    auto policy = std::make_shared<CapabilityPolicy>();
    policy->allow_compress = manners_.allows_compress;
    std::vector<std::string> listed;
    if ((moods & 0x80) != 0) listed = {"LITERAL+"};
    filter_ = imap::make_filter(policy, listed, counts_.data());
    style_ = decisions_.below(4) * 5;
  }

  // Until everything has passed or the session is over.
  void run(std::string from_client) {
    client_ = std::move(from_client);
    while (!over_ && (offered_ < client_.size() || !backend_.replies.empty() || filter_->patience_ms() > 0)) turn();
    check(to_client_.find("AUTH=PLAIN") == std::string::npos, "every list is rewritten");
  }

 private:
  static ImapBackend::Manners manners_of(uint8_t moods) {
    return {(moods & 1) != 0,  (moods & 2) != 0,  (moods & 4) != 0, (moods & 8) != 0,
            (moods & 16) != 0, (moods & 32) != 0, (moods & 64) != 0};
  }

  void turn() {
    if (!backend_.replies.empty() && decisions_.yes()) return answer();
    if (offered_ < client_.size()) {
      offered_ += std::min(decisions_.chunk(style_), client_.size() - offered_);
      return offer();
    }
    if (backend_.replies.empty() && filter_->patience_ms() > 0) {
      // An honest backend has said all that it will ever say: whoever waits now waits for ever.
      bool honest = !manners_.forgets;
      check(!honest || state_ != FilterStep::State::blocked, "nobody hangs");
      filter_->give_up();
      offer();
    }
  }

  void answer() {
    std::string reply = std::move(backend_.replies.front());
    backend_.replies.pop_front();
    for (Bytes rest = reply; !rest.empty() && !over_;) {
      Slices slices;
      FilterStep step = filter_->from_backend(rest.substr(0, decisions_.chunk(style_)), slices);
      for (Bytes slice : slices.all()) to_client_ += slice;
      rest.remove_prefix(step.consumed);
      over_ = step.state == FilterStep::State::broken || filter_->transparent();
    }
    if (!over_) offer();
  }

  void offer() {
    for (state_ = FilterStep::State::ok; offered_ > 0 && state_ == FilterStep::State::ok;) {
      Slices slices;
      FilterStep step = filter_->from_client(Bytes(client_).substr(0, offered_), slices);
      for (Bytes slice : slices.all()) backend_.receive(slice);
      client_.erase(0, step.consumed);
      offered_ -= step.consumed;
      state_ = step.state;
      check(state_ != FilterStep::State::ok || step.consumed > 0 || !slices.all().empty(), "ok makes progress");
    }
    over_ = state_ == FilterStep::State::broken || filter_->transparent();
  }

  Decisions decisions_;
  ImapBackend::Manners manners_;
  ImapBackend backend_;
  std::array<Counter, imap::kVerbs.size()> counts_;
  std::unique_ptr<RelayFilter> filter_;
  size_t style_ = 0;
  std::string client_;
  std::string to_client_;
  size_t offered_ = 0;
  FilterStep::State state_ = FilterStep::State::ok;
  bool over_ = false;
};

}  // namespace postigo::fuzz
