// The client's tags, while his commands pass under ours. How commands pass: client_stream_test.cc.
#include "parser/imap/aliases.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/parser/imap/relay.h"

namespace postigo::imap {
namespace {

// IDLE that is ended by something else than DONE: all passes under tags of ours until it has its answer.
TEST(ClientTags, ManyCommandsBehindABrokenIdleKeepThem) {
  Relay r({}, SIZE_MAX);
  r.client("i IDLE\r\n");
  r.take_to_backend();
  r.backend("+ idling\r\n");
  r.take_to_client();
  constexpr int kMany = 900;
  std::string said = "x NOOP\r\n", answers = "PSTG1 BAD\r\n", heard = "i BAD\r\n";
  for (int i = 0; i < kMany; ++i) {
    said += "c" + std::to_string(i) + " NOOP\r\n";
    answers += "PSTG" + std::to_string(i + 3) + " OK\r\n";
    heard += "c" + std::to_string(i) + " OK\r\n";
  }
  r.client(said);
  EXPECT_TRUE(r.take_to_backend().ends_with("PSTG" + std::to_string(kMany + 2) + " NOOP\r\n"));
  r.backend(answers);
  EXPECT_EQ(r.take_to_client(), heard);
}

// A stranger's tags are not kept without an end.
TEST(ClientTags, TheOldestIsForgottenWhenThereAreTooMany) {
  Aliases aliases;
  std::string first(aliases.add("first").text());
  for (size_t i = 1; i < Aliases::kMax; ++i) aliases.add("t");
  EXPECT_NE(aliases.find(first), nullptr);
  aliases.add("one more");
  aliases.sweep();
  EXPECT_EQ(aliases.find(first), nullptr);
  std::string last(aliases.add(std::string(Aliases::kTagOctetsMax, 't')).text());
  aliases.sweep();
  EXPECT_EQ(aliases.find("PSTG1000"), nullptr);
  EXPECT_NE(aliases.find(last), nullptr);
}

}  // namespace
}  // namespace postigo::imap
