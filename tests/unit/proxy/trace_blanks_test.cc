// What a client sends to log in is hidden, in every form and at every split; what it says otherwise is not.
#include "proxy/session/trace_blanks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace postigo {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// Cut after each octet, and after every single one of them.
std::vector<std::string> at_every_split(const std::string& text) {
  std::vector<std::string> all;
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    TraceBlanks blanks;
    std::string shown = blanks.show(Bytes(text).substr(0, cut));
    all.push_back(shown + blanks.show(Bytes(text).substr(cut)));
  }
  TraceBlanks blanks;
  std::string shown;
  for (char c : text) shown += blanks.show(Bytes(&c, 1));
  all.push_back(shown);
  return all;
}

TEST(TraceBlanks, WhatIsNoSecretIsShown) {
  for (const char* text :
       {"a1 SELECT INBOX\r\na2 FETCH 1:* (FLAGS)\r\n", "a1 APPEND x {5}\r\nhello\r\n", "RETR 1\r\nQUIT\r\n", "DONE\r\n",
        "\r\n", "a1 LIST \"\" LOGIN\r\n", "a1 SEARCH SUBJECT \"AUTH PASS\"\r\n", "a1 LOGINX y\r\n"}) {
    for (const std::string& shown : at_every_split(text)) EXPECT_EQ(shown, text);
  }
}

TEST(TraceBlanks, A33_EveryFormOfALogin) {
  for (const char* text :
       {"a1 LOGIN fred canary\r\n", "a1 login \"fred\" \"canary word\"\r\n", "a1 LOGIN {4}\r\nfred {6}\r\ncanary\r\n",
        "a1 LOGIN {4+}\r\nfred {8+}\r\ncan\r\nary\r\n", "a1 LOGIN fred {11}\r\nLOGIN canar\r\n",
        "a1 LOGIN {0}\r\n canary\r\n", "a1  LOGIN\tfred canary\r\n", "a1 LOGIN \"{3}\" canary\r\n",
        "a1 AUTHENTICATE PLAIN AGNhbmFyeQ==\r\n", "PASS canary\r\n", "pass canary with blanks\r\n",
        "AUTH PLAIN AGNhbmFyeQ==\r\n", "APOP fred canary\r\n"}) {
    for (const std::string& shown : at_every_split(std::string(text) + "a2 NOOP\r\n")) {
      for (const char* secret : {"can", "ary", "word", "blanks", "AGN", "canar"})
        EXPECT_THAT(shown, Not(HasSubstr(secret)));
      bool answered =
          std::string_view(text).find("AUTH") == std::string_view::npos;  // else the next line is hidden, too
      EXPECT_EQ(shown.ends_with("a2 NOOP\r\n"), answered) << text;
      EXPECT_THAT(shown, HasSubstr("***"));
      EXPECT_EQ(shown, TraceBlanks().show(std::string(text) + "a2 NOOP\r\n")) << "cut or not";
    }
  }
}

TEST(TraceBlanks, A33_FieldsForAPassdb) {
  const std::string before = "3 ID (\"x-originating-ip\" \"192.0.2.7\" \"X-Forward";
  for (const char* line :
       {"-token\" \"canary\" \"name\" \"canary\")\r\n", "-t\" {6+}\r\ncanary \"name\" \"canary\")\r\n"}) {
    for (const std::string& shown : at_every_split(before + line + "a2 NOOP\r\n")) {
      EXPECT_THAT(shown, StartsWith(before + "***\r\n"));
      EXPECT_THAT(shown, EndsWith("***\r\na2 NOOP\r\n"));
      EXPECT_THAT(shown, Not(HasSubstr("canary")));
    }
  }
  for (const std::string& shown :
       at_every_split("3 ID (\"name\" {4+}\r\nMutt \"x-forward-t\" \"canary\")\r\na2 NOOP\r\n")) {
    EXPECT_THAT(shown, Not(HasSubstr("canary"))) << shown;
    EXPECT_TRUE(shown.ends_with("a2 NOOP\r\n"));
  }
  const std::string other = "a1 SEARCH SUBJECT \"x-forward-a b\"\r\n";
  EXPECT_EQ(TraceBlanks().show(other), other);
}

TEST(TraceBlanks, A33_LinesOfAnExchangeUntilItIsAnswered) {
  {
    TraceBlanks blanks;
    std::string shown = blanks.show("a1 AUTHENTICATE LOGIN\r\n");
    blanks.server_said("* 3 EXISTS\r\n");
    for (const char* challenge : {"+ VXNlcm5hbWU6\r\n", "+", "\r\n", "+ \r\n* OK still here\r\n"}) {
      blanks.server_said(challenge);
      shown += blanks.show("Y2FuYXJ5\r\n");
    }
    EXPECT_THAT(shown, Not(HasSubstr("Y2Fu")));
    blanks.server_said("a1 O");
    EXPECT_THAT(blanks.show("Y2FuYXJ5\r\n"), Not(HasSubstr("Y2Fu"))) << "half an answer is none";
    blanks.server_said("K in\r\n");
    EXPECT_EQ(blanks.show("a2 NOOP\r\n"), "a2 NOOP\r\n");
  }
  TraceBlanks blanks;
  blanks.show("AUTH PLAIN\r\n");
  blanks.server_said("+ \r\n");
  EXPECT_THAT(blanks.show("Y2FuYXJ5\r\n"), Not(HasSubstr("Y2Fu")));
  blanks.server_said("+OK\r\n");
  EXPECT_EQ(blanks.show("STAT\r\n"), "STAT\r\n");
}

// What was sent ahead of AUTH is answered before it.
TEST(TraceBlanks, A33_OtherAnswersEndNoExchange) {
  struct Exchange {
    const char *ahead, *answers, *end, *next;
  };
  for (const Exchange& c :
       {Exchange{"a NOOP\r\nb AUTHENTICATE PLAIN\r\n", "a OK done\r\n+ \r\n", "b NO\r\n", "c NOOP\r\n"},
        Exchange{"a LOGIN x y\r\nab AUTHENTICATE PLAIN\r\n", "a NO\r\n* OK\r\nabc OK\r\n", "ab OK\r\n", "+ x\r\n"},
        Exchange{"STAT\r\nNOOP\r\nAUTH PLAIN\r\n", "+OK 1 2\r\n-ERR\r\n+ \r\n", "+OK in\r\n", "QUIT\r\n"}}) {
    TraceBlanks blanks;
    blanks.show(c.ahead);
    blanks.server_said(c.answers);
    EXPECT_EQ(blanks.show("AGNhbmFyeQ==\r\n"), "***\r\n") << c.ahead;
    blanks.server_said(c.end);
    EXPECT_EQ(blanks.show(c.next), c.next);
  }
}

TEST(TraceBlanks, A33_ExchangesBegunAtOnce) {
  TraceBlanks blanks;
  std::string shown = blanks.show("b AUTHENTICATE PLAIN\r\nAGNhbmFyeQ==\r\nc AUTHENTICATE PLAIN\r\n");
  blanks.server_said("+ \r\nb NO\r\n");
  shown += blanks.show("AGNhbmFyeQ==\r\n");
  EXPECT_THAT(shown, Not(HasSubstr("AGN")));
  blanks.server_said("+ \r\nc OK in\r\n");
  EXPECT_EQ(blanks.show("d NOOP\r\n"), "d NOOP\r\n");
}

}  // namespace
}  // namespace postigo
