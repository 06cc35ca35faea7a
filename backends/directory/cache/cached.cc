// The plumbing between a Lookup, the store and a directory. Not here: what is kept, and how long (store.cc).
#include "backends/directory/cache/cached.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "backends/directory/cache/key.h"
#include "backends/directory/cache/store.h"
#include "backends/directory/entry.h"

namespace postigo {
namespace {

constexpr uint64_t kLookMs = 5;
constexpr uint64_t kLookMaxMs = 40;

class CachedSource final : public DirectorySource {
 public:
  CachedSource(SharedSource source, const config::Directory& settings)
      : source_(std::move(source)),
        by_secret_(settings.check_password || settings.type == config::Directory::Type::oauth),
        store_(settings.cache, !source_->hashes()) {}

  std::unique_ptr<Directory> make(Env& env) const override;
  std::string decoy() const override { return source_->decoy(); }
  std::string warning() const override { return source_->warning(); }
  bool hashes() const override { return source_->hashes(); }
  bool curious() const override { return source_->curious(); }
  CacheStore* cache() const override { return &store_; }

  CacheStore::Question question(const Query& query) const {
    return {cache_context(query, curious()), by_secret_ ? secret_digest(query.password) : CacheStore::Digest{}};
  }

 private:
  SharedSource source_;
  bool by_secret_;  // else the backend checks passwords, and no answer depends on one
  mutable CacheStore store_;
};

// One worker's.
struct Worker {
  Env& env;
  std::shared_ptr<const CachedSource> source;
  std::unique_ptr<Directory> directory;

  CacheStore& store() const { return *source->cache(); }
  CacheStore::Now now() const { return {env.now_ms(), static_cast<int64_t>(env.unix_time_s())}; }
};

// Owned by the caller's Lookup through its Ticket.
class Asking final : public Ticket::Operation, public std::enable_shared_from_this<Asking> {
 public:
  Asking(std::shared_ptr<const Worker> worker, Lookup& outer, const Query& query)
      : worker_(std::move(worker)), outer_(&outer), query_(query), question_(worker_->source->question(query)) {}

  void begin() { go_on(worker_->store().begin(question_, worker_->now())); }

  void cancel() override {
    if (outer_ == nullptr) return;
    outer_ = nullptr;
    inner_.reset();
    pending_.cancel();
    worker_->store().leave(question_, step_);
  }

 private:
  using Next = CacheStore::Step::Next;

  void go_on(CacheStore::Step step) {
    step_ = std::move(step);
    switch (step_.next) {
      case Next::answered:
        pending_ = worker_->env.defer([this] { finish(std::move(step_.answer)); });
        return;
      case Next::ask:
        inner_.emplace([this](LookupResult result) { answered(std::move(result)); });
        worker_->directory->start(*inner_, query_);
        return;
      case Next::wait:
        pending_ = worker_->env.after(pause_ms_, [this] { look(); });
        pause_ms_ = std::min(pause_ms_ * 2, kLookMaxMs);
        return;
    }
  }

  void look() {
    auto self = shared_from_this();
    go_on(worker_->store().again(question_, step_));
  }

  void answered(LookupResult result) {
    auto self = shared_from_this();  // finish() may destroy the outer Lookup, and with it this
    finish(worker_->store().end(question_, step_, std::move(result), worker_->now()));
  }

  void finish(LookupResult result) {
    auto self = shared_from_this();
    std::exchange(outer_, nullptr)->finish(std::move(result));
  }

  std::shared_ptr<const Worker> worker_;
  Lookup* outer_;
  Query query_;
  CacheStore::Question question_;
  CacheStore::Step step_;
  std::optional<Lookup> inner_;
  Ticket pending_;
  uint64_t pause_ms_ = kLookMs;
};

class CachedDirectory final : public Directory {
 public:
  explicit CachedDirectory(std::shared_ptr<const Worker> worker) : worker_(std::move(worker)) {}

  std::string_view name() const override { return worker_->directory->name(); }
  void start(Lookup& lookup, const Query& query) override {
    if (query.want == Want::secret || query.witness != nullptr) return worker_->directory->start(lookup, query);
    auto asking = std::make_shared<Asking>(worker_, lookup, query);
    lookup.hold(Ticket(asking));
    asking->begin();
  }

 private:
  std::shared_ptr<const Worker> worker_;
};

std::unique_ptr<Directory> CachedSource::make(Env& env) const {
  auto self = std::static_pointer_cast<const CachedSource>(shared_from_this());
  return std::make_unique<CachedDirectory>(std::make_shared<const Worker>(Worker{env, self, source_->make(env)}));
}

}  // namespace

SharedSource cached(SharedSource source, const config::Directory& settings) {
  return std::make_shared<const CachedSource>(std::move(source), settings);
}

}  // namespace postigo
