// Not here: what the answer means for a login (session/placement.cc), for Postfix (oracle.cc), for an operator
// (verbs*.cc).
#include "proxy/control/inquiry.h"

#include <utility>

namespace postigo {
namespace {

// Beyond, something is wrong with the directories; nobody is served by waiting longer for them.
constexpr size_t kQuestionsMax = 1000;

}  // namespace

struct Inquiry::Question {
  Then then;
  std::unique_ptr<Lookup> lookup;
};

Inquiry::Inquiry(Loop& loop, std::shared_ptr<Mailbox> mailbox, Offload& lookups, Offload& passwords)
    : loop_(loop), http_(loop), env_(loop, std::move(mailbox), lookups, passwords, http_) {}

Inquiry::~Inquiry() = default;

void Inquiry::close() {
  closed_ = true;
  questions_.clear();
  directory_.reset();
  http_.close();
  resolver_.reset();
  previous_resolver_.reset();
}

// Those of the newest configuration. What was asked of the ones before is still answered.
Directory& Inquiry::directory(const Snapshot& snapshot) {
  if (resolver_ == nullptr || resolver_settings_ != snapshot.live.resolver) {
    resolver_settings_ = snapshot.live.resolver;
    previous_resolver_ = std::exchange(resolver_, std::make_unique<Resolver>(loop_, resolver_settings_));
    http_.use(*resolver_);
  }
  if (source_ != snapshot.directories || directory_ == nullptr) {
    source_ = snapshot.directories;
    directory_ = make_chain(*source_, env_);
  }
  return *directory_;
}

void Inquiry::ask(const Snapshot& snapshot, std::string user, Then then) {
  if (closed_) return;
  if (questions_.size() >= kQuestionsMax) {
    return loop_.defer([then = std::move(then)] {
      LookupResult later;
      later.verdict = Verdict::try_later;
      then(later);
    });
  }
  Query query;
  query.user = std::move(user);
  query.want = Want::placement;
  questions_.push_back({std::move(then), nullptr});
  auto mine = std::prev(questions_.end());
  mine->lookup = std::make_unique<Lookup>([this, mine](const LookupResult& result) { looked_up(mine, result); });
  directory(snapshot).start(*mine->lookup, query);
}

void Inquiry::looked_up(std::list<Question>::iterator question, const LookupResult& result) {
  Then then = std::move(question->then);
  loop_.bury(std::move(question->lookup));  // it is the caller
  questions_.erase(question);
  then(result);
}

}  // namespace postigo
