// One question to one directory, in a world by hand.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "backends/directory/source.h"
#include "tests/fakes/fake_env.h"

namespace postigo {

struct Question {
  std::string user;
  std::string password = "secret";
  Want want = Want::verdict;
};

inline LookupResult ask(fakes::FakeEnv& env, Directory& directory, const Question& question) {
  Query query;
  query.user = question.user;
  query.password = Secret(question.password);
  query.mechanism = "PLAIN";
  query.protocol = "imap";
  query.client_ip = "192.0.2.7";
  query.want = question.want;
  std::optional<LookupResult> answer;
  int answers = 0;
  Lookup lookup([&](LookupResult result) {
    answer = std::move(result);
    ++answers;
  });
  directory.start(lookup, query);
  EXPECT_EQ(answers, 0) << "an answer from inside start()";
  env.run();
  EXPECT_EQ(answers, 1);
  EXPECT_TRUE(env.idle());
  return answer.value_or(LookupResult());
}

}  // namespace postigo
