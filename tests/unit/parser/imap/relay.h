// A relay around the IMAP filter for tests: both peers write, what reaches the other one is collected. Input is offered
// in chunks of a chosen size, each an exact copy that dies after the call.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "parser/imap/filter.h"
#include "parser/imap/verbs.h"

namespace postigo::imap {

inline CapabilityPolicy policy_of(std::vector<std::string> hide, std::vector<std::string> add, bool allow_compress) {
  CapabilityPolicy policy;
  policy.hide = std::move(hide);
  policy.add = std::move(add);
  policy.allow_compress = allow_compress;
  return policy;
}

class Relay {
 public:
  explicit Relay(CapabilityPolicy policy = {}, size_t chunk = SIZE_MAX, std::vector<std::string> backend = {})
      : chunk_(chunk),
        filter_(
            make_filter(std::make_shared<CapabilityPolicy>(std::move(policy)), backend, {counts_.data(), &lists_})) {}

  void client(std::string_view bytes) {
    from_client_ += bytes;
    pump_client();
  }

  void backend(std::string_view bytes) {
    while (!bytes.empty() && !broken) {
      std::string_view chunk = bytes.substr(0, chunk_);
      from_backend_ += chunk;
      bytes.remove_prefix(chunk.size());
      pump(from_backend_, from_backend_.size(), to_client, &RelayFilter::from_backend);
      pump_client();
    }
  }

  // What the caller does when its patience is over.
  void give_up() {
    filter_->give_up();
    pump_client();
  }

  uint64_t count(std::string_view verb) const { return counts_[verb_index(verb)].get(); }
  uint64_t lists() const { return lists_.get(); }
  RelayFilter& filter() { return *filter_; }
  std::string take_to_client() { return std::exchange(to_client, {}); }
  std::string take_to_backend() { return std::exchange(to_backend, {}); }
  const std::string& held_back() const { return from_client_; }

  std::string to_client;
  std::string to_backend;
  bool broken = false;
  bool blocked = false;

 private:
  // Offers more and more of what the client wrote, as a socket would.
  void pump_client() {
    while (!broken) {
      size_t before = from_client_.size();
      size_t offer = std::min(from_client_.size(), offered_ + std::min(chunk_, from_client_.size()));
      pump(from_client_, offer, to_backend, &RelayFilter::from_client);
      size_t consumed = before - from_client_.size();
      offered_ = offer - consumed;
      if (from_client_.empty() || (consumed == 0 && offer == before)) return;
    }
  }

  void pump(std::string& pending, size_t offer, std::string& to, FilterStep (RelayFilter::*feed)(Bytes, Slices&)) {
    while (offer > 0) {
      auto copy = std::make_unique<char[]>(offer);
      std::copy_n(pending.begin(), offer, copy.get());
      Slices slices;
      FilterStep step = ((*filter_).*feed)({copy.get(), offer}, slices);
      for (Bytes slice : slices.all()) to += slice;
      pending.erase(0, step.consumed);
      offer -= step.consumed;
      blocked = step.state == FilterStep::State::blocked;
      broken |= step.state == FilterStep::State::broken;
      if (broken || blocked || step.state == FilterStep::State::more) return;
      if (step.consumed == 0 && slices.all().empty()) {
        stalled = true;  // ok without progress: the caller would spin
        broken = true;
        return;
      }
    }
  }

 public:
  bool stalled = false;

 private:
  size_t chunk_;
  std::array<Counter, kVerbs.size()> counts_;
  Counter lists_;
  std::unique_ptr<RelayFilter> filter_;
  std::string from_client_;
  std::string from_backend_;
  size_t offered_ = 0;
};

}  // namespace postigo::imap
