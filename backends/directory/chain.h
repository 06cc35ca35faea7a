// The chain: all configured directories as one, in order.
//
// The next one is asked only after no_such_user; try_later stops the chain. When nobody knows the name: ok and
// unverified if auth.accept_unknown, or if there is no directory at all (the backend checks); else no_such_user,
// which costs and looks the same as bad_credentials and differs in our log only.
// If any directory hashes passwords, every answer but try_later, and a yes that was kept (cache/), has cost exactly one
// password hash, so that the time of a "no" tells nothing about the name (A22). Every refusal waits in the last line
// once, whoever it is for: a name that exists may be checked earlier than one that does not, but "no" is never heard
// earlier (README.md, "Who waits for whom").
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backends/directory.h"
#include "backends/directory/scram_shapes.h"
#include "backends/env.h"

namespace postigo {

class Chain final : public Directory {
 public:
  struct Link {
    std::unique_ptr<Directory> directory;
    bool checks_password = false;  // it spends one hash on each answer but no_such_user and try_later
    bool saslprep = false;         // it is asked about a password in RFC 4013's form
  };

  // `decoy`: what is hashed for a name that nobody knows (password.h); unused if no link checks passwords. `shapes`:
  // of the same directories, for all workers; not null.
  Chain(Env& env, std::vector<Link> links, bool accept_unknown, std::string decoy,
        std::shared_ptr<ScramShapes> shapes = std::make_shared<ScramShapes>());

  std::string_view name() const override { return "chain"; }
  void start(Lookup& lookup, const Query& query) override;

 private:
  struct Parts;
  class Attempt;

  std::shared_ptr<const Parts> parts_;  // shared with the attempts
};

}  // namespace postigo
