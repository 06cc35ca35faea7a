// A directory over a SQLite file of the test's own, in a world without threads.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "backends/directory/factory.h"
#include "tests/fakes/fake_env.h"
#include "tests/unit/backends/temporary.h"

namespace postigo {

class SqliteDirectory : public testing::Test {
 protected:
  // Opens the directory. REQUIRES: the file is there.
  void open() {
    auth_.directories = {{"users", config::Directory::Type::sqlite, true, path_, {}}};
    auto shared = load_directories(auth_);
    ASSERT_TRUE(shared) << shared.error().message;
    shared_ = *shared;
    chain_ = make_chain(*shared_, env_);
  }
  LookupResult ask(const std::string& user) {
    LookupResult answer;
    Lookup lookup([&](LookupResult result) { answer = std::move(result); });
    Query query;
    query.user = user;
    query.password = Secret("secret");
    chain_->start(lookup, query);
    env_.run();
    return answer;
  }

  Temporary place_;
  const std::string path_ = place_.file("users.db");
  config::Auth auth_;
  fakes::FakeEnv env_;
  std::shared_ptr<const DirectoryShared> shared_;
  std::unique_ptr<Directory> chain_;
};

}  // namespace postigo
