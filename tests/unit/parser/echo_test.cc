// A backend's text that repeats credentials is recognised whatever part of which form it repeats, and others are not.
#include "parser/login/echo.h"

#include <gtest/gtest.h>

#include <string>

#include "parser/base/base64.h"

namespace postigo {
namespace {

BackLogin login_with(Bytes password, Bytes authzid = "") {
  BackLogin login;
  login.authzid = authzid;
  login.authcid = "alice";
  login.password = Secret(password);
  return login;
}

TEST(Echo, A33_APartInAnyFormIsEnough) {
  BackLogin login = login_with("canary-pa\xe4ss", "bob");
  std::string message = base64_encode(std::string("bob\0alice\0canary-pa\xe4ss", 20));
  for (const std::string& text :
       {std::string("you said canary-pa\xe4ss"), std::string("canary"), std::string("LOGIN \"alice\" \"canary-p"),
        "unknown: " + message, "unknown: " + message.substr(0, 12) + "...", "..." + message.substr(message.size() - 8),
        base64_encode("canary-pa\xe4ss"), "<" + base64_encode("canary-pa\xe4ss") + ">", "bad \"" + message + "\""}) {
    EXPECT_TRUE(repeats_credentials(text, login)) << text;
    EXPECT_EQ(readable(text, login, 100), "(a text that repeats what we said)");
  }
}

TEST(Echo, A33_NorIsTheBeginningOfALongOneShown) {
  BackLogin login = login_with(std::string(600, 'p'));
  std::string message = base64_encode(std::string("\0alice\0", 7) + std::string(600, 'p'));
  for (const std::string& text : {"you said " + std::string(600, 'p'), "you said " + message}) {
    EXPECT_EQ(readable(text, login, 100), "(a text that repeats what we said)") << "looked at before it is cut";
  }
}

TEST(Echo, A33_AsItIsInTheTextNotAsALogShowsIt) {
  EXPECT_EQ(readable("you said pass\\word", login_with("pass\\word"), 100), "(a text that repeats what we said)");
  EXPECT_EQ(readable("xcaf\xe9x", login_with("caf\xe9"), 100), "(a text that repeats what we said)");
}

TEST(Echo, A33_AsAQuotedStringHasIt) {
  for (const char* password : {"a\"b", "a\\b", "ab\"cd\"ef", "\"\"\"\"\"\"\"", "\\\\\\\\"}) {
    std::string quoted;
    for (char c : std::string(password)) quoted += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    EXPECT_TRUE(repeats_credentials("unknown: LOGIN \"alice\" \"" + quoted + "\"", login_with(password))) << password;
  }
  EXPECT_FALSE(repeats_credentials("unknown: LOGIN", login_with("a\"b")));
}

TEST(Echo, OtherTextsStay) {
  BackLogin login = login_with("canary-password");
  for (const char* text : {"", "Authentication failed.", "alice is unknown", "can", "Mailbox is locked",
                           "[Error=\"x\"] Mailbox=1 server.example"}) {
    EXPECT_FALSE(repeats_credentials(text, login)) << text;
    EXPECT_EQ(readable(text, login, 100), text);
  }
  EXPECT_TRUE(repeats_credentials("wrong: pw", login_with("pw"))) << "a short one by all of it";
  EXPECT_FALSE(repeats_credentials("wrong: p w", login_with("pw")));
  EXPECT_FALSE(repeats_credentials("anything", login_with("")));
}

}  // namespace
}  // namespace postigo
