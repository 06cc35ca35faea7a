// Inquiry: what the directories of now say of a user, for those who ask and do not log in: where he lives, without a
// password.
//
// Control thread; never blocks.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>

#include "backends/directory.h"
#include "proxy/net/env_uv.h"
#include "proxy/snapshot.h"

namespace postigo {

class Inquiry {
 public:
  // `result` is valid during the call.
  using Then = std::function<void(const LookupResult& result)>;

  // All outlive it.
  Inquiry(Loop& loop, std::shared_ptr<Mailbox> mailbox, Offload& lookups, Offload& passwords);
  ~Inquiry();

  // `user`: as normalised. Nothing completes inside the call. Too many at a time: try_later.
  void ask(const Snapshot& snapshot, std::string user, Then then);
  void close();  // what is under way, and what is asked from now on, is not answered

 private:
  struct Question;
  Directory& directory(const Snapshot& snapshot);
  void looked_up(std::list<Question>::iterator question, const LookupResult& result);

  Loop& loop_;
  HttpClient http_;
  EnvUv env_;
  config::Resolver resolver_settings_;
  std::unique_ptr<Resolver> resolver_, previous_resolver_;  // as in Worker
  std::shared_ptr<const DirectoryShared> source_;           // of directory_
  std::unique_ptr<Directory> directory_;
  std::list<Question> questions_;  // under way
  bool closed_ = false;
};

}  // namespace postigo
