// The loop of one question, and who listens at each directory. Not here: what is asked (rehearsal.cc, route.cc).
#include "proxy/commands/asking.h"

#include <utility>

namespace postigo::commands {

namespace {

constexpr size_t kAskingQueueMax = 64;

uint64_t clock_us() { return uv_hrtime() / 1000; }

}  // namespace

// One question to one directory: passed on, and noted.
class Asking::Watch final : public Ticket::Operation, public Witness, public std::enable_shared_from_this<Watch> {
 public:
  Watch(std::vector<Step>& steps, Lookup& outer) : steps_(steps), outer_(&outer) {}

  void cancel() override {
    outer_ = nullptr;
    inner_.reset();
  }

  void begin(Directory& directory, Query query) {
    step_ = steps_.size();
    steps_.push_back({std::string(directory.name()), query.user, query.want, 0, {}, {}});
    query.witness = this;
    begun_us_ = clock_us();
    inner_.emplace([this](LookupResult result) { answered(std::move(result)); });
    directory.start(*inner_, query);
  }

  void saw(const Found& found) override { steps_[step_].found = found; }

 private:
  void answered(LookupResult result) {
    auto self = shared_from_this();  // finish() may destroy the outer Lookup, and with it this
    steps_[step_].took_us = clock_us() - begun_us_;
    steps_[step_].said = result;
    if (Lookup* outer = std::exchange(outer_, nullptr)) outer->finish(std::move(result));
  }

  std::vector<Step>& steps_;
  Lookup* outer_;
  std::optional<Lookup> inner_;
  size_t step_ = 0;
  uint64_t begun_us_ = 0;
};

class Asking::Watched final : public Directory {
 public:
  Watched(std::vector<Step>& steps, std::unique_ptr<Directory> inner) : steps_(steps), inner_(std::move(inner)) {}
  std::string_view name() const override { return inner_->name(); }
  void start(Lookup& lookup, const Query& query) override {
    auto watch = std::make_shared<Watch>(steps_, lookup);
    lookup.hold(Ticket(watch));
    watch->begin(*inner_, query);
  }

 private:
  std::vector<Step>& steps_;
  std::unique_ptr<Directory> inner_;
};

Asking::Asking(const config::Live& live, std::shared_ptr<const DirectoryShared> directories)
    : timeout_ms_(live.limits.lookup_timeout_ms),
      loop_(nullptr),
      mailbox_(std::make_shared<Mailbox>(loop_.uv())),
      lookups_(1, kAskingQueueMax, 0, Offload::Running::left),
      passwords_(1, kAskingQueueMax, 0, Offload::Running::left),
      resolver_(std::make_unique<Resolver>(loop_, live.resolver)),
      http_(loop_),
      env_(loop_, mailbox_, lookups_, passwords_, http_),
      directories_(std::move(directories)),
      chain_(make_chain(*directories_, env_, [this](std::unique_ptr<Directory> each) -> std::unique_ptr<Directory> {
        return std::make_unique<Watched>(steps_, std::move(each));
      })) {
  http_.use(*resolver_);
}

Asking::~Asking() {
  chain_.reset();
  http_.close();
  resolver_.reset();
  mailbox_->close();
  loop_.stop();
  loop_.run();
  loop_.close();
}

LookupResult Asking::ask(const Query& query) {
  std::optional<LookupResult> answer;
  bool late = false;
  Timer patience([](void* flag) { *static_cast<bool*>(flag) = true; }, &late);
  Lookup lookup([&answer](LookupResult result) { answer = std::move(result); });
  loop_.turn(false);  // what the clock says now
  loop_.timers().arm(patience, timeout_ms_);
  chain_->start(lookup, query);
  while (!answer && !late) loop_.turn(true);
  return answer ? std::move(*answer) : try_later("no answer within lookup_timeout");
}

}  // namespace postigo::commands
