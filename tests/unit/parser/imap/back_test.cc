// The table from a backend's answer to what the client hears, and the limits; dialogues stand in tests/dialogue/imap.
#include "parser/imap/back.h"

#include <gtest/gtest.h>

#include "parser/base/limits.h"
#include "parser/imap/login_command.h"
#include "parser/imap/response.h"

namespace postigo::imap {
namespace {

using Kind = Refusal::Kind;

TEST(RefusalFor, A21_OneTextForEveryBadCredential) {
  for (const char* code : {"", "AUTHENTICATIONFAILED", "authenticationfailed", "ALERT"}) {
    Refusal refusal = refusal_for({code, "User unknown"});
    EXPECT_EQ(refusal.kind, Kind::bad_credentials) << code;
    EXPECT_EQ(refusal.text, "") << "texts would tell users apart";
  }
}

TEST(RefusalFor, OtherCodesAreRelayed) {
  for (const char* code : {"EXPIRED", "CONTACTADMIN", "LIMIT", "INUSE", "NOPERM"}) {
    Refusal refusal = refusal_for({code, "text"});
    EXPECT_EQ(refusal.kind, Kind::relayed);
    EXPECT_EQ(refusal.code, code);
    EXPECT_EQ(refusal.text, "text");
  }
  EXPECT_EQ(refusal_for({"AUTHORIZATIONFAILED", "x"}).kind, Kind::authorization_failed);
  EXPECT_EQ(refusal_for({"UNAVAILABLE", "x"}).kind, Kind::unavailable);
}

TEST(Response, T33_EveryPartMayBeMissing) {
  Status status = parse_status("OK [CAPABILITY IMAP4rev1 IDLE] Logged in");
  EXPECT_EQ(status.word, "OK");
  EXPECT_EQ(status.code, "CAPABILITY IMAP4rev1 IDLE");
  EXPECT_EQ(status.text, "Logged in");
  EXPECT_EQ(parse_status("").word, "");
  EXPECT_EQ(parse_status("NO").word, "NO");
  EXPECT_EQ(parse_status("NO ").text, "");
  EXPECT_EQ(parse_status("NO [X]").code, "X");
  EXPECT_EQ(parse_status("NO [X]text").text, "text");
  EXPECT_EQ(parse_status("NO [X").text, "[X");
  EXPECT_EQ(parse_status("NO []").code, "");
  EXPECT_EQ(code_name("badcharset (X)"), "BADCHARSET");
  std::vector<std::string> names = {"OLD"};
  EXPECT_FALSE(parse_capabilities("CAPABILITIES X", names));
  EXPECT_TRUE(parse_capabilities("capability  imap4rev1 Idle ", names));
  EXPECT_EQ(names, (std::vector<std::string>{"IMAP4REV1", "IDLE"}));
}

std::vector<std::string> pieces(BackLogin login, std::vector<std::string> capabilities) {
  auto result = login_command("t", login, capabilities);
  std::vector<std::string> text;
  if (!result) return {"! " + result.error().message};
  for (const Secret& piece : *result) text.emplace_back(piece.reveal());
  return text;
}

TEST(LoginCommand, StringsThatNeedLiterals) {
  BackLogin login{"", "user", Secret(std::string(401, 'p')), {}};
  EXPECT_EQ(pieces(login, {}),
            (std::vector<std::string>{"t LOGIN \"user\" {401}\r\n", std::string(401, 'p') + "\r\n"}));
  EXPECT_EQ(pieces(login, {"LITERAL-"}),
            (std::vector<std::string>{"t LOGIN \"user\" {401+}\r\n" + std::string(401, 'p') + "\r\n"}));
  BackLogin odd{"", "\xc3\xa4", Secret("\"\\"), {}};
  EXPECT_EQ(pieces(odd, {}), (std::vector<std::string>{"t LOGIN {2}\r\n", "\xc3\xa4 \"\\\"\\\\\"\r\n"}));
}

TEST(LoginCommand, T24_AuthzidNeverGetsLost) {
  BackLogin master{"bob", "master", Secret("pw"), {}};
  EXPECT_TRUE(pieces(master, {"SASL-IR"})[0].starts_with("! "));
  EXPECT_EQ(pieces(master, {"AUTH=PLAIN", "SASL-IR"}),
            (std::vector<std::string>{"t AUTHENTICATE PLAIN Ym9iAG1hc3RlcgBwdw==\r\n"}));
}

TEST(Back, BoundedInLinesAndInAll) {
  auto backend = [](const std::string& bytes) {
    auto back = make_back({}, {"", "alice", Secret("secret"), {}});
    Out out;
    Step step = back->feed("* OK [CAPABILITY IMAP4rev1] hi\r\n" + bytes, out);
    return step.event;
  };
  EXPECT_EQ(backend("* " + std::string(limits::kBackendLineMax, 'x')), Event::unavailable);
  std::string lines;
  while (lines.size() < limits::kBackendLoginMax) lines += "* OK [ALERT] " + std::string(1000, 'x') + "\r\n";
  EXPECT_EQ(backend(lines), Event::unavailable);
  EXPECT_EQ(backend("* ID ({65000}\r\n"), Event::need_input);
  EXPECT_EQ(backend("* ID ({66000}\r\n"), Event::unavailable);
}

TEST(Back, A33_RepliesForTheLogHoldNoSecret) {
  auto back = make_back({}, {"", "alice", Secret("canary-5b2f"), {}});
  Out out;
  back->feed("* OK [CAPABILITY IMAP4rev1] hi\r\n", out);
  EXPECT_EQ(back->feed("P4 BAD no\r\n", out).event, Event::unavailable);
  EXPECT_EQ(back->reply().text.find("canary"), std::string::npos);
  EXPECT_EQ(back->state_name(), "over");
}

TEST(Back, A14_DroppedInEveryState) {
  for (const char* said : {"", "* O", "* OK hi\r\n", "* OK [CAPABILITY STARTTLS] hi\r\n", "* OK [CAPABILITY X] hi\r\n",
                           "* OK [CAPABILITY X] hi\r\n* ID ({5}\r\nab", "* OK [CAPABILITY X] hi\r\nP4 OK\r\n"}) {
    auto back = make_back({}, {"", "alice", Secret("secret"), {}});
    Out out;
    back->feed(said, out);
  }
}

}  // namespace
}  // namespace postigo::imap
