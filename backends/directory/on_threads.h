// What drivers have in common: the Directory of one worker over a source that all share, and a question whose answer
// takes a thread. Not here: what is asked, and what the answer means.
#pragma once

#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

#include "backends/client_network.h"
#include "backends/directory.h"
#include "backends/directory/entry.h"
#include "backends/env.h"

namespace postigo {

// Source has name() and start(env, lookup, query), const and for any thread.
template <typename Source>
class SharedDirectory final : public Directory {
 public:
  SharedDirectory(Env& env, std::shared_ptr<const Source> source) : env_(env), source_(std::move(source)) {}
  std::string_view name() const override { return source_->name(); }
  void start(Lookup& lookup, const Query& query) override { source_->start(env_, lookup, query); }

 private:
  Env& env_;
  std::shared_ptr<const Source> source_;
};

// The source as its Directory and its jobs hold it.
template <typename Source>
std::shared_ptr<const Source> held(const Source& source) {
  return std::static_pointer_cast<const Source>(source.shared_from_this());
}

template <typename Source>
std::unique_ptr<Directory> make_shared_directory(Env& env, const Source& source) {
  return std::make_unique<SharedDirectory<Source>>(env, held(source));
}

// Runs `find(query)` on a thread of `pool` (Env::Pool, or threads of a directory's own), then `tell(query, found)` on
// Env's. Both own what they touch. Fails if too much waits; then nothing is answered.
template <typename Pool, typename Find, typename Tell>
Result<void> find_on(Env& env, const Pool& pool, Lookup& lookup, const Query& query, Find find, Tell tell) {
  using What = std::invoke_result_t<Find&, const Query&>;
  struct Job {
    Query query;
    What found;
  };
  auto job = std::make_shared<Job>(Job{query, What{}});
  auto ticket = env.offload(
      pool, {Turn::Rank::usual, client_network(query.client_ip)},
      [job, find = std::move(find)]() mutable { job->found = find(job->query); },
      [job, tell = std::move(tell)]() mutable { tell(job->query, std::move(job->found)); });
  if (!ticket) return tl::unexpected(ticket.error());
  lookup.hold(std::move(*ticket));
  return {};
}

// The same for sources that find entries (Source::find(user)) and let answer() judge (Source::checking()).
template <typename Source, typename Pool>
void answer_on(Env& env, const Pool& pool, Lookup& lookup, const Query& query, const Source& source) {
  auto asked = find_on(
      env, pool, lookup, query, [kept = held(source)](const Query& about) { return kept->find(about.user); },
      [&env, &lookup, kept = held(source)](const Query& about, Result<Found> found) {
        if (!found) return lookup.finish(try_later(found.error().message));
        answer(env, lookup, about, std::move(*found), kept->checking());
      });
  if (!asked) answer_later(env, lookup, try_later(asked.error().message));
}

}  // namespace postigo
