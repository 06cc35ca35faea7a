// From auth.directories to something that answers.
//
//   control thread, per configuration:  auto shared = load_directories(live.auth);          // may fail, may block
//   each worker, per configuration:     auto chain = make_chain(**shared, env);   // cheap, never fails
//   each login attempt:                 chain->start(lookup, query);
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backends/directory.h"
#include "backends/directory/scram_shapes.h"
#include "backends/directory/source.h"
#include "backends/env.h"
#include "config/config.h"
#include "parser/base/result.h"

namespace postigo {

// All directories of one configuration, shared by the workers. Immutable.
class DirectoryShared {
 public:
  struct Item {
    config::Directory settings;  // that it was loaded from, but for the users
    SharedSource source;
  };
  DirectoryShared(std::vector<Item> items, bool accept_unknown, std::shared_ptr<ScramShapes> shapes = nullptr);

  const std::vector<Item>& items() const { return items_; }
  bool accept_unknown() const { return accept_unknown_; }
  const std::string& decoy() const { return decoy_; }
  bool curious() const { return curious_; }  // somebody looks at Query::circumstances
  const std::shared_ptr<ScramShapes>& scram_shapes() const { return scram_shapes_; }

 private:
  std::vector<Item> items_;
  bool accept_unknown_;
  bool curious_;
  std::string decoy_;  // of the first directory that hashes passwords; empty: none does
  std::shared_ptr<ScramShapes> scram_shapes_;
};

// Opens and migrates databases. The error is one line for the operator: "directory users: cannot open ...: ...". What
// stands in `before` (which may be null) under the very same section goes on: connections, caches and all.
Result<std::shared_ptr<const DirectoryShared>> load_directories(const config::Auth& auth,
                                                                const DirectoryShared* before = nullptr);

// For one worker; keeps what it needs of `shared` alive. `wrap` may put something around each directory; null: nothing.
using WrapDirectory = std::function<std::unique_ptr<Directory>(std::unique_ptr<Directory>)>;
std::unique_ptr<Directory> make_chain(const DirectoryShared& shared, Env& env, const WrapDirectory& wrap = {});

}  // namespace postigo
