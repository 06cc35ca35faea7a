// Asking: the directories of a configuration, asked by a command that waits: a loop and threads of its own, the chain
// that each worker has, and what every directory of it said on the way.
//
// One thread, the command's. What a directory has left behind on threads of its own may outlive it (work/offload.h).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backends/directory/entry.h"
#include "backends/directory/factory.h"
#include "config/config.h"
#include "proxy/net/env_uv.h"

namespace postigo::commands {

class Asking {
 public:
  // A directory, and its answer.
  struct Step {
    std::string directory;
    std::string user;  // about whom
    Want want = Want::verdict;
    uint64_t took_us = 0;
    std::optional<LookupResult> said;  // nothing: it was still thinking when the time was over
    std::optional<Found> found;        // what it keeps, where an entry decided
  };

  Asking(const config::Live& live, std::shared_ptr<const DirectoryShared> directories);
  ~Asking();
  Asking(const Asking&) = delete;
  Asking& operator=(const Asking&) = delete;

  // All directories as one. Waits for limits.lookup_timeout at most: then "try later", as for a login.
  LookupResult ask(const Query& query);
  const std::vector<Step>& steps() const { return steps_; }  // of all questions so far, in order
  bool curious() const { return directories_->curious(); }   // somebody looks at Query::circumstances

 private:
  class Watched;
  class Watch;

  const uint64_t timeout_ms_;
  Loop loop_;
  std::shared_ptr<Mailbox> mailbox_;
  Offload lookups_, passwords_;
  std::unique_ptr<Resolver> resolver_;
  HttpClient http_;
  EnvUv env_;
  std::shared_ptr<const DirectoryShared> directories_;
  std::unique_ptr<Directory> chain_;
  std::vector<Step> steps_;
};

}  // namespace postigo::commands
