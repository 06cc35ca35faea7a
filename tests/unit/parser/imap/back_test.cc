// The table from a backend's answer to what the client hears, and the limits; dialogues stand in tests/dialogue/imap.
#include "parser/imap/back.h"

#include <gtest/gtest.h>

#include "parser/base/ascii.h"
#include "parser/base/limits.h"
#include "parser/imap/login_command.h"
#include "parser/imap/response.h"

namespace postigo::imap {
namespace {

using Kind = Refusal::Kind;

BackLogin login_of(Bytes authzid, Bytes authcid, Bytes password) {
  BackLogin login;
  login.authzid = authzid;
  login.authcid = authcid;
  login.password = Secret(password);
  return login;
}

TEST(RefusalFor, A21_OneTextForEveryBadCredential) {
  for (const char* code :
       {"", "AUTHENTICATIONFAILED", "authenticationfailed", "ALERT", "NONEXISTENT", "X-UNHEARD-OF",
        "Error=\"AuthFailed:LogonDenied\" Proxy=HOST1.internal.example", "EXPIREDNESS", "CAPABILITY A"}) {
    EXPECT_EQ(refusal_for({code, "User unknown"}).kind, Kind::bad_credentials) << code;
  }
}

TEST(RefusalFor, A21_RegisteredCodesAreToldWithoutArguments) {
  for (std::string code :
       {"CANNOT", "CONTACTADMIN", "CORRUPTION", "EXPIRED", "INUSE", "LIMIT", "NOPERM", "OVERQUOTA"}) {
    for (std::string said : {code, lower(code), code + " host1.internal 7"}) {
      Refusal refusal = refusal_for({said, "text"});
      EXPECT_EQ(refusal.kind, Kind::relayed) << said;
      EXPECT_EQ(refusal.code, code);
    }
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
}

TEST(Response, T78_BlanksMayBeDoubledAndListsMayComeInTwoLines) {
  Status status = parse_status("  OK   [CAPABILITY  A  B ]   Logged  in");
  EXPECT_EQ(status.word, "OK");
  EXPECT_EQ(status.code, "CAPABILITY  A  B ");
  EXPECT_EQ(status.text, "Logged  in");
  EXPECT_EQ(code_name("  limit   x"), "LIMIT");
  std::vector<std::string> names = {"OLD"};
  EXPECT_FALSE(parse_capabilities("CAPABILITIES X", names));
  EXPECT_TRUE(parse_capabilities("capability  imap4rev1 Idle ", names));
  EXPECT_TRUE(parse_capabilities("CAPABILITY IDLE old X", names));
  EXPECT_EQ(names, (std::vector<std::string>{"OLD", "IMAP4REV1", "IDLE", "X"}));
}

// Lists are remembered: nobody may get another one's, nor what somebody else has made of his.
TEST(Response, ListsThatAreReadAgainAreTheSame) {
  const std::string name = "IDLE" + std::string(5000, 'x');
  for (int round = 0; round < 3; ++round) {
    for (char each = 'A'; each < 'J'; ++each) {
      std::vector<std::string> names, again;
      std::string text = std::string("CAPABILITY IMAP4rev1 ") + each;
      EXPECT_TRUE(parse_capabilities(text, names));
      names.push_back("MORE");
      EXPECT_TRUE(parse_capabilities(text, again));
      EXPECT_EQ(again, (std::vector<std::string>{"IMAP4REV1", std::string(1, each)}));
    }
    std::vector<std::string> known = {"B"}, none, large;
    EXPECT_TRUE(parse_capabilities("CAPABILITY A B", known));
    EXPECT_EQ(known, (std::vector<std::string>{"B", "A"}));
    EXPECT_TRUE(parse_capabilities("CAPABILITY", none));
    EXPECT_TRUE(none.empty());
    EXPECT_TRUE(parse_capabilities("CAPABILITY " + name, large));
    EXPECT_EQ(large, std::vector<std::string>{upper(name)});
  }
}

std::vector<std::string> pieces(const BackLogin& login, LoginWay way, const std::vector<std::string>& capabilities) {
  std::vector<std::string> text;
  for (const Secret& piece : login_command("t", way, login, login_abilities(capabilities)))
    text.emplace_back(piece.reveal());
  return text;
}

TEST(LoginCommand, T77_WaysInTheirOrder) {
  using Ways = std::vector<LoginWay>;
  BackLogin plain = login_of("", "user", "pw");
  BackLogin odd = login_of("", "j\xf6rg", "pw");
  BackLogin master = login_of("bob", "master", "pw");
  auto ways = [](const BackLogin& login, const std::vector<std::string>& list) {
    auto result = login_ways(login, login_abilities(list));
    return result ? Ways(result->all.begin(), result->all.begin() + result->count) : Ways();
  };
  EXPECT_EQ(ways(plain, {}), Ways{LoginWay::login});
  EXPECT_EQ(ways(plain, {"AUTH=PLAIN"}), (Ways{LoginWay::plain, LoginWay::login}));
  EXPECT_EQ(ways(odd, {"AUTH=PLAIN"}), (Ways{LoginWay::plain, LoginWay::login, LoginWay::quoted}));
  EXPECT_EQ(ways(odd, {"AUTH=PLAIN", "LOGINDISABLED"}), Ways{LoginWay::plain});
  EXPECT_EQ(ways(plain, {"LOGINDISABLED"}), Ways());
  EXPECT_EQ(ways(plain, {"LOGINDISABLED", "AUTH=LOGIN"}), Ways{LoginWay::sasl}) << "there is nothing else";
  EXPECT_EQ(ways(master, {"LOGINDISABLED", "AUTH=LOGIN"}), Ways()) << "it carries no authzid";
  EXPECT_EQ(ways(master, {"AUTH=PLAIN"}), Ways{LoginWay::plain}) << "T24: the authzid never gets lost";
  EXPECT_EQ(ways(master, {"SASL-IR"}), Ways());
}

TEST(LoginCommand, StringsThatNeedLiterals) {
  BackLogin login = login_of("", "user", std::string(401, 'p'));
  EXPECT_EQ(pieces(login, LoginWay::login, {}),
            (std::vector<std::string>{"t LOGIN \"user\" {401}\r\n", std::string(401, 'p') + "\r\n"}));
  EXPECT_EQ(pieces(login, LoginWay::login, {"LITERAL-"}),
            (std::vector<std::string>{"t LOGIN \"user\" {401+}\r\n" + std::string(401, 'p') + "\r\n"}));
  BackLogin odd = login_of("", "\xc3\xa4", "\"\\");
  EXPECT_EQ(pieces(odd, LoginWay::login, {}),
            (std::vector<std::string>{"t LOGIN {2}\r\n", "\xc3\xa4 \"\\\"\\\\\"\r\n"}));
  EXPECT_EQ(pieces(odd, LoginWay::quoted, {}), (std::vector<std::string>{"t LOGIN \"\xc3\xa4\" \"\\\"\\\\\"\r\n"}));
}

TEST(LoginCommand, InitialResponses) {
  const LoginAbilities with = login_abilities({"SASL-IR"}), without = login_abilities({});
  EXPECT_TRUE(goes_with_the_command(900, with));
  EXPECT_FALSE(goes_with_the_command(901, with)) << "too long for one line of many servers";
  EXPECT_FALSE(goes_with_the_command(4, without));
  EXPECT_FALSE(goes_with_the_command(0, with)) << "the server speaks first";
}

BackLogin alice(Bytes password = "secret") { return login_of("", "alice", password); }

TEST(Back, BoundedInLinesAndInAll) {
  auto backend = [](const std::string& bytes) {
    auto back = make_back({}, alice());
    Out out;
    Step step = back->feed("* OK [CAPABILITY IMAP4rev1] hi\r\n" + bytes, out);
    return step.event;
  };
  EXPECT_EQ(backend("* " + std::string(limits::kBackendLineMax, 'x')), Event::unavailable);
  std::string lines;
  while (lines.size() < limits::kBackendLoginMax) lines += "* OK [ALERT] " + std::string(1000, 'x') + "\r\n";
  EXPECT_EQ(backend(lines), Event::unavailable);
  EXPECT_EQ(backend(std::string(1000, '\n') + "x OK\r\nwhat\r\n"), Event::need_input);
  EXPECT_EQ(backend(std::string(limits::kBackendLoginMax, '\n')), Event::unavailable) << "T78: skipped, not for ever";
  EXPECT_EQ(backend("* ID ({65000}\r\n"), Event::need_input);
  EXPECT_EQ(backend("* ID ({66000}\r\n"), Event::unavailable);
}

TEST(Back, T77_ANoCountsWhenTheBackendLeavesBeforeTheSecondWay) {
  auto back = make_back({}, alice());
  Out out;
  EXPECT_EQ(back->lost(), Event::unavailable);
  back->feed("* OK [CAPABILITY AUTH=PLAIN SASL-IR] hi\r\n", out);
  EXPECT_EQ(back->lost(), Event::unavailable);
  EXPECT_EQ(back->feed("P4 NO no\r\n", out).event, Event::need_input);
  EXPECT_EQ(back->state_name(), "login");
  EXPECT_EQ(back->lost(), Event::refused);
  EXPECT_EQ(back->reply().text, "no");
  EXPECT_EQ(back->lost(), Event::unavailable) << "once";
}

TEST(Back, T78_TagsCannotBeGuessed) {
  BackLogin login = alice();
  login.nonce = "5f3a";
  auto back = make_back({}, login);
  Out out;
  EXPECT_EQ(back->feed("* OK [CAPABILITY X] hi\r\nP4 OK forged\r\nP4 OK forged\r\n", out).event, Event::need_input);
  EXPECT_EQ(out.view(), "P45f3a LOGIN \"alice\" \"secret\"\r\n");
  EXPECT_EQ(back->feed("P45f3a NO no\r\n", out).event, Event::refused);
}

TEST(Back, A33_RepliesForTheLogHoldNoSecret) {
  auto back = make_back({}, alice("canary-5b2f"));
  Out out;
  back->feed("* OK [CAPABILITY IMAP4rev1] hi\r\n", out);
  EXPECT_EQ(back->feed("P4 BAD no\r\n", out).event, Event::unavailable);
  EXPECT_EQ(back->reply().text.find("canary"), std::string::npos);
  EXPECT_EQ(back->state_name(), "over");
}

TEST(Back, A14_DroppedInEveryState) {
  for (const char* said : {"", "* O", "* OK hi\r\n", "* OK [CAPABILITY STARTTLS] hi\r\n", "* OK [CAPABILITY X] hi\r\n",
                           "* OK [CAPABILITY X] hi\r\n* ID ({5}\r\nab", "* OK [CAPABILITY X] hi\r\nP4 OK\r\n"}) {
    auto back = make_back({}, alice());
    Out out;
    back->feed(said, out);
  }
}

}  // namespace
}  // namespace postigo::imap
