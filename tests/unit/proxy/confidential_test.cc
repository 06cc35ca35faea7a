// A33: what a backend repeats of a password does not reach the log, in whatever form it got it.
#include "proxy/session/confidential.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "parser/base/ascii.h"
#include "parser/base/base64.h"

namespace postigo {
namespace {

constexpr std::string_view kRemark = "(its answer repeats a password)";

std::string said(const std::string& text, const std::string& password = "canary") {
  return without_secret(printable(text, 512), Secret(password));
}

TEST(Confidential, OrdinaryTextsPass) {
  for (std::string text : {"", "Authentication failed.", "[Error=\"x\"] Mailbox=1 server.example"}) {
    EXPECT_EQ(said(text), text);
  }
  EXPECT_EQ(without_secret("no password", Secret()), "no password");
}

TEST(Confidential, A33_ARepeatedPasswordDoesNot) {
  std::string plain = base64_encode(std::string("\0alice\0canary", 13));
  const std::vector<std::string> texts = {
      "you said canary",       "LOGIN \"alice\" \"canary\"",       "xcanaryx", "unknown: AUTHENTICATE PLAIN " + plain,
      "bad \"" + plain + "\"", "<" + base64_encode("canary") + ">"};
  for (const std::string& text : texts) EXPECT_EQ(said(text), kRemark) << text;
  EXPECT_EQ(said("you said pass\\word", "pass\\word"), kRemark) << "as it is escaped";
  EXPECT_EQ(said("you said caf\xe9", "caf\xe9"), kRemark);
}

TEST(Confidential, A33_NorDoesTheBeginningOfALongOne) {
  std::string password(600, 'p');
  EXPECT_EQ(said("you said " + password, password), "you said ...");
  std::string plain = base64_encode(std::string("\0alice\0", 7) + password);
  EXPECT_EQ(said("you said " + plain, password), "you said ...");
}

}  // namespace
}  // namespace postigo
