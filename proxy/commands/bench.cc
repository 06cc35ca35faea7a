// Not here: what is tried (connect_*.cc), how it is told (connect.cc).
#include "proxy/commands/bench.h"

#include <utility>

namespace postigo::commands {

namespace {

constexpr unsigned kThreads = 8;  // for directories, whose libraries block
constexpr size_t kQueueMax = 10'000;

}  // namespace

Bench::Bench(const config::Live& live)
    : loop_(nullptr),
      mailbox_(std::make_shared<Mailbox>(loop_.uv())),
      lookups_(kThreads, kQueueMax, 0, Offload::Running::left),
      passwords_(1, kQueueMax, 0, Offload::Running::left),
      resolver_(std::make_unique<Resolver>(loop_, live.resolver)),
      http_(loop_),
      env_(loop_, mailbox_, lookups_, passwords_, http_) {
  http_.use(*resolver_);
}

Bench::~Bench() {
  http_.close();
  resolver_.reset();
  mailbox_->close();
  loop_.stop();
  loop_.run();
  loop_.close();
}

size_t Bench::begin(std::string what, std::string where, std::string key) {
  ++open_;
  tried_.push_back({std::move(what), std::move(where), std::move(key)});
  tried_.back().began_ms = uv_hrtime() / 1'000'000;
  return tried_.size() - 1;
}

void Bench::end(size_t trial, bool good, std::string text) {
  --open_;
  tried_[trial].good = good;
  tried_[trial].text = std::move(text);
  tried_[trial].took_ms = uv_hrtime() / 1'000'000 - tried_[trial].began_ms;
}

void Bench::run(uint64_t patience_ms) {
  bool late = false;
  Timer patience([](void* flag) { *static_cast<bool*>(flag) = true; }, &late);
  loop_.turn(false);  // what the clock says now
  loop_.timers().arm(patience, patience_ms);
  while (open_ > 0 && !late) loop_.turn(true);
}

}  // namespace postigo::commands
