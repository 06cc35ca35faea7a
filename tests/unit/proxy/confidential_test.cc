// A33: what a backend repeats of a password does not reach the log, in whatever form it got it.
#include "proxy/session/confidential.h"

#include <gtest/gtest.h>

#include "parser/base/ascii.h"
#include "parser/base/base64.h"

namespace postigo {
namespace {

std::string said(const std::string& text, const std::string& password = "canary") {
  return without_secret(printable(text, 512), Secret(password));
}

TEST(Confidential, OrdinaryTextsPass) {
  for (const char* text : {"", "Authentication failed.", "[Error=\"x\"] Mailbox=1 server.example", "user unknown..."}) {
    EXPECT_EQ(without_secret(text, Secret("canary")), text == std::string("user unknown...") ? "user ..." : text);
  }
  EXPECT_EQ(without_secret("no password", Secret()), "no password");
}

TEST(Confidential, A33_ARepeatedPasswordDoesNot) {
  const std::string remark = "(its answer repeats a password)";
  std::string plain = base64_encode(std::string("\0alice\0canary", 13));
  for (const std::string& text : {std::string("you said canary"), "LOGIN \"alice\" \"canary\"", "xcanaryx",
                                  "unknown: AUTHENTICATE PLAIN " + plain, "bad \"" + plain + "\"",
                                  "<" + base64_encode("canary") + ">", base64_encode("master\0alice\0canary")}) {
    EXPECT_EQ(said(text).find("canary"), std::string::npos);
  }
  EXPECT_EQ(said("you said canary"), remark);
  EXPECT_EQ(said("PLAIN " + plain), remark);
  EXPECT_EQ(said("you said " + base64_encode("canary")), remark);
  EXPECT_EQ(said("you said pass\\word", "pass\\word"), remark) << "as it is escaped";
  EXPECT_EQ(said("you said caf\xe9", "caf\xe9"), remark);
}

TEST(Confidential, A33_NorDoesTheBeginningOfALongOne) {
  std::string password(600, 'p');
  EXPECT_EQ(said("you said " + password, password), "you said ...");
  std::string plain = base64_encode(std::string("\0alice\0", 7) + password);
  EXPECT_EQ(said("you said " + plain, password), "you said ...");
}

}  // namespace
}  // namespace postigo
