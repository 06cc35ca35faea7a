// A question to a directory in a database, and its answer.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/fakes/fake_env.h"
#include "tests/unit/databases/database.h"

namespace postigo::databases {

class Asking : public testing::TestWithParam<Database& (*)()> {
 protected:
  Database& database() const { return GetParam()(); }
  bool is_postgresql() const { return database().type == config::Directory::Type::postgresql; }

  void open(const config::Directory& directory) {
    auto source = database().load(directory);
    ASSERT_TRUE(source) << source.error().message;
    source_ = *source;
    users_ = source_->make(env_);
  }
  void open(const std::string& query) { open(database().directory(query)); }
  // Why it does not load.
  std::string refusal(const config::Directory& directory) const {
    auto source = database().load(directory);
    return source ? "it loads" : source.error().message;
  }
  std::string refusal(const std::string& query) const { return refusal(database().directory(query)); }

  LookupResult ask(const std::string& user, std::string_view password = "secret", Want want = Want::verdict,
                   std::string_view protocol = "imap", const std::string& address = "192.0.2.7") {
    Query query;
    query.user = user;
    query.password = Secret(password);
    query.want = want;
    query.protocol = protocol;
    query.client_ip = address;
    LookupResult answer;
    Lookup lookup([&](LookupResult result) { answer = std::move(result); });
    users_->start(lookup, query);
    env_.run();
    return answer;
  }

  fakes::FakeEnv env_;
  SharedSource source_;
  std::unique_ptr<Directory> users_;
};

inline std::string database_name(const testing::TestParamInfo<Database& (*)()>& row) {
  return row.index == 0 ? "postgresql" : "mysql";
}

}  // namespace postigo::databases
