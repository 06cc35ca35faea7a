// The login at a backend: what we send, in which order, and what we make of the answers.
#include <string>

#include "parser/base/base64.h"
#include "parser/base/limits.h"
#include "tests/unit/parser/pop3_drive.h"

namespace postigo::pop3 {
namespace {

using namespace std::string_literals;

const std::string kList = "+OK list\r\nUSER\r\nSASL PLAIN LOGIN\r\n.\r\n";

std::string story(BackRun& run, const std::string& input) {
  std::string whole = run(input);
  for (const Chunks& chunks : every_split_of_answers(input)) EXPECT_EQ(run(chunks), whole);
  run(input);  // so that run.reply is of the whole input
  return whole;
}

TEST(Pop3Back, UserAndPassOneAfterTheOther) {
  BackRun run;
  EXPECT_EQ(run("+OK hello\r\n"), "USER bob\r\n") << "T44: PASS waits for the answer";
  EXPECT_EQ(story(run, "+OK hello\r\n+OK\r\n+OK Logged in.\r\n"), "USER bob\r\nPASS pw\r\n<logged_in>\n");
}

TEST(Pop3Back, T33_AnswersNeedNoText) {
  BackRun run;
  EXPECT_EQ(story(run, "+OK\r\n+OK\n+OK\r\n"), "USER bob\r\nPASS pw\r\n<logged_in>\n");
}

TEST(Pop3Back, T18_WhatFollowsTheLoginIsLeftForTheRelay) {
  BackRun run;
  for (const Chunks& chunks :
       {Chunks{"+OK\r\n", "+OK\r\n", "+OK in\r\n-ERR bye"}, Chunks{"+OK\r\n", "+OK\r\n", "+OK in\r", "\n-ERR bye"},
        Chunks{"+OK\r\n", "+OK\r\n", "+OK in\r\n", "-ERR bye"}}) {
    EXPECT_EQ(run(chunks), "USER bob\r\nPASS pw\r\n<logged_in>\n{-ERR bye}");
  }
}

TEST(Pop3Back, T78_NoAnswerComesBeforeItsQuestion) {
  BackRun run;
  const Chunks table[] = {{"+OK hello\r\n+OK again\r\n", "-ERR\r\n"},
                          {"+OK hello\r\n+O", "K again\r\n"},
                          {"+OK hello\r\n", "+OK\r\n+OK in\r\n", "-ERR [AUTH] no\r\n"},
                          {"+OK hello\r\n", "+OK\r\n-ERR [AUTH] no\r\n"},
                          {"+OK hello\r\n", "+OK\r\njunk\r\n"}};
  for (const Chunks& chunks : table) {
    std::string told = run(chunks);
    EXPECT_EQ(run.end, Event::unavailable) << chunks[0] << told;
    EXPECT_EQ(told.find("PASS"), std::string::npos);
  }
  run.policy.forward_client = true;
  EXPECT_EQ(run(Chunks{"+OK [XCLIENT]\r\n", "+OK\r\n+OK welcome again\r\n"}).find("USER"), std::string::npos);
  EXPECT_EQ(run.end, Event::unavailable);
}

TEST(Pop3Back, T78_BlankLinesAnswerNothing) {
  BackRun run;
  EXPECT_EQ(run(Chunks{"\r\n+OK hello\r\n\r\n", "\n", "+OK\r\n\r\n", "\r\n+OK  [X]  in\r\n"}),
            "USER bob\r\nPASS pw\r\n<logged_in>\n");
  EXPECT_EQ(run(Chunks{std::string(limits::kBackendLoginMax + 1, '\n')}), "<unavailable>\n") << "but not for ever";
}

TEST(Pop3Back, MasterLoginsUseAuthPlain) {
  BackRun run;
  run.login.authzid = "ann";
  run.login.authcid = "master";
  EXPECT_EQ(story(run, "+OK\r\n" + kList + "+OK in\r\n"),
            "CAPA\r\nAUTH PLAIN " + base64_encode("ann\0master\0pw"s) + "\r\n<logged_in>\n");
}

TEST(Pop3Back, T77_AuthOnlyIfCapaSaysSo) {
  const char* lists[] = {"-ERR what\r\n", "+OK\r\n.\r\n", "+OK\r\nUSER\r\nSASL XLOGIN PLAINER\r\nXSASL PLAIN\r\n.\r\n"};
  for (std::string list : lists) {
    BackRun run;
    run.login.password = Secret(" pw ");
    EXPECT_EQ(story(run, "+OK\r\n" + list + "+OK\r\n+OK in\r\n"), "CAPA\r\nUSER bob\r\nPASS  pw \r\n<logged_in>\n")
        << list;
    run.login.authzid = "ann";
    EXPECT_EQ(story(run, "+OK\r\n" + list), "CAPA\r\n<unavailable>\n") << "the master's password stays here";
    EXPECT_NE(run.reply.text.find("SASL PLAIN"), std::string::npos);
  }
  BackRun run;
  run.login.password = Secret(" pw ");
  EXPECT_TRUE(story(run, "+OK\r\n+OK\r\nsasl login plain\r\n.\r\n").starts_with("CAPA\r\nAUTH PLAIN "));
  EXPECT_EQ(story(run, "+OK\r\n+OK again\r\n+OK\r\nSASL PLAIN\r\n.\r\n").substr(0, 20), "CAPA\r\n<unavailable>\n")
      << "T78: a list shows that we are out of step";
}

TEST(Pop3Back, T77_UserAndPassWhereAuthIsListedButRefused) {
  BackRun run;
  run.login.password = Secret(" pw ");
  const std::string asked = "CAPA\r\nAUTH PLAIN " + base64_encode("\0bob\0 pw "s) + "\r\n";
  EXPECT_EQ(story(run, "+OK\r\n" + kList + "-ERR what\r\n+OK\r\n+OK in\r\n"),
            asked + "USER bob\r\nPASS  pw \r\n<logged_in>\n");
  EXPECT_EQ(story(run, "+OK\r\n" + kList + "-ERR [AUTH] no\r\n"), asked + "<refused>\n");
  EXPECT_EQ(story(run, "+OK\r\n" + kList + "-ERR no\r\n"), asked + "USER bob\r\n");
  EXPECT_EQ(run.after_loss, Event::refused) << "it said no, and then left";
  EXPECT_EQ(story(run, "+OK\r\n" + kList + "-ERR no\r\njunk\r\n"), asked + "USER bob\r\n<refused>\n");
  EXPECT_EQ(run.reply.text, "no");
  run.login.authzid = "ann";
  EXPECT_TRUE(story(run, "+OK\r\n" + kList + "-ERR what\r\n").ends_with("<refused>\n")) << "not for a master";
}

TEST(Pop3Back, T76_NamesAndPasswordsAreOctets) {
  const std::pair<std::string, std::string> table[] = {{"j\xf6rg", "p\xe4ss"},            // Latin-1
                                                       {"\x83\x41\x83\x5c", "\x83\x5c"},  // Shift-JIS
                                                       {"\xd0\xc1\xd7\xc5\xcc", "\xff"},  // KOI8-R
                                                       {"bob", "tab\tand\x1b\x7f"},
                                                       {"bob", std::string(240, 'p')}};
  for (const auto& [user, password] : table) {
    BackRun run;
    run.login.authcid = user;
    run.login.password = Secret(password);
    EXPECT_EQ(story(run, "+OK\r\n+OK\r\n+OK\r\n"), "USER " + user + "\r\nPASS " + password + "\r\n<logged_in>\n");
    EXPECT_EQ(run.commands, 2U);
  }
  BackRun run;
  run.login.password = Secret(std::string(1024, 'p'));
  EXPECT_EQ(story(run, "+OK\r\n-ERR\r\n+OK\r\n+OK\r\n"),
            "CAPA\r\nUSER bob\r\nPASS " + std::string(1024, 'p') + "\r\n<logged_in>\n");
}

TEST(Pop3Back, T54_LongResponsesWaitForThePlus) {
  BackRun run;
  run.login.authzid = "ann";
  size_t fits = (255 - 11 - 2) / 4 * 3 - 3 - 3 - 2;  // command, CRLF, ann, bob, two NULs
  for (size_t size : {fits, fits + 1}) {
    run.login.password = Secret(std::string(size, 'p'));
    std::string base64 = base64_encode("ann\0bob\0"s + std::string(size, 'p'));
    if (size == fits) {
      EXPECT_EQ(story(run, "+OK\r\n" + kList + "+OK in\r\n"), "CAPA\r\nAUTH PLAIN " + base64 + "\r\n<logged_in>\n");
      EXPECT_LE(base64.size() + 13, 255U);
    } else {
      for (std::string plus : {"+ \r\n", "+\r\n"}) {
        EXPECT_EQ(story(run, "+OK\r\n" + kList + plus + "+OK in\r\n"),
                  "CAPA\r\nAUTH PLAIN\r\n" + base64 + "\r\n<logged_in>\n")
            << "T21";
      }
      EXPECT_EQ(story(run, "+OK\r\n" + kList + "-ERR no such mechanism\r\n"), "CAPA\r\nAUTH PLAIN\r\n<unavailable>\n")
          << "nobody's password was refused";
    }
  }
}

TEST(Pop3Back, WhatUserPassWouldMangleGoesThroughAuth) {
  const std::pair<std::string, std::string> table[] = {{"bob", " pw"},
                                                       {"bob", "pw "},
                                                       {"bob smith", "pw"},
                                                       {"bob\tsmith", "pw"},
                                                       {"bob", std::string(249, 'p')},
                                                       {std::string(249, 'u'), "pw"}};
  for (const auto& [user, password] : table) {
    BackRun run;
    run.login.authcid = user;
    run.login.password = Secret(password);
    EXPECT_TRUE(run("+OK\r\n" + kList).starts_with("CAPA\r\nAUTH PLAIN")) << user << "/" << password;
  }
  BackRun run;
  run.login.password = Secret("p w  p w");
  EXPECT_EQ(run("+OK\r\n+OK\r\n"), "USER bob\r\nPASS p w  p w\r\n");
}

TEST(Pop3Back, A2_T8_LineEndsNeverReachTheBackend) {
  for (char c : {'\0', '\r', '\n'}) {
    std::string bad = "a"s + c + "b";
    for (int field = 0; field < 3; ++field) {
      BackRun run;
      if (field == 0) run.login.authcid = bad;
      if (field == 1) run.login.authzid = bad;
      if (field == 2) run.login.password = Secret(bad);
      EXPECT_EQ(run("+OK\r\n"), "<unavailable>\n") << int{c} << " in " << field;
      EXPECT_EQ(run.commands, 0U);
    }
  }
}

TEST(Pop3Back, A2_ALoginHasExactlyTwoCommands) {
  BackRun run;
  run("+OK\r\n+OK\r\n+OK\r\n");
  EXPECT_EQ(run.commands, 2U);
  run.login.authzid = "ann";
  run("+OK\r\n" + kList + "+OK\r\n");
  EXPECT_EQ(run.commands, 2U) << "CAPA and AUTH";
}

TEST(Pop3Back, A21_RefusalsAndTheirCodes) {
  struct Row {
    const char* answer;
    Event event;
    BackendReply reply;
    Refusal::Kind kind;
  };
  const Row table[] = {
      {"-ERR [AUTH] No.", Event::refused, {"AUTH", "No."}, Refusal::Kind::bad_credentials},
      {"-ERR [auth] No.", Event::refused, {"AUTH", "No."}, Refusal::Kind::bad_credentials},
      {"-ERR [IN-USE] Locked.", Event::refused, {"IN-USE", "Locked."}, Refusal::Kind::relayed},
      {"-ERR [LOGIN-DELAY] Slow.", Event::refused, {"LOGIN-DELAY", "Slow."}, Refusal::Kind::relayed},
      {"-ERR [SYS/PERM] Gone.", Event::refused, {"SYS/PERM", "Gone."}, Refusal::Kind::relayed},
      {"-ERR [sys/perm/disk] Gone.", Event::refused, {"SYS/PERM/DISK", "Gone."}, Refusal::Kind::relayed},
      {"-ERR [XYZ] host.internal", Event::refused, {"XYZ", "host.internal"}, Refusal::Kind::bad_credentials},
      {"-ERR no way", Event::refused, {"", "no way"}, Refusal::Kind::bad_credentials},
      {"-ERR", Event::refused, {"", ""}, Refusal::Kind::bad_credentials},
      {"-ERR [SYS/TEMP/DISK] Later.", Event::unavailable, {"SYS/TEMP/DISK", "Later."}, Refusal::Kind::unavailable},
      {"-ERR [SYS/TEMP] Later.", Event::unavailable, {"SYS/TEMP", "Later."}, Refusal::Kind::unavailable},
      {"-ERR [REFERRAL/abc] There.", Event::unavailable, {"REFERRAL/ABC", "There."}, Refusal::Kind::unavailable},
  };
  for (const Row& row : table) {
    for (std::string before : {"+OK\r\n", "+OK\r\n+OK\r\n"}) {
      BackRun run;
      story(run, before + row.answer + "\r\n");
      EXPECT_EQ(run.end, row.event) << row.answer;
      EXPECT_EQ(run.reply.code, row.reply.code);
      EXPECT_EQ(run.reply.text, row.reply.text);
      if (run.end == Event::refused) {
        EXPECT_EQ(refusal_for(run.reply).kind, row.kind) << row.answer;
      }
    }
  }
}

TEST(Pop3Back, NonsenseIsUnavailableAndNotForClients) {
  for (std::string input : {"* OK imap\r\n", "-ERR go away\r\n", "+ what\r\n", "+OK\r\nhello\r\n", "+OK\r\n+ go\r\n",
                            "+OK\r\n+OK\r\n+ go\r\n", "+OK\r\n+OK\r\n* BYE\r\n"}) {
    BackRun run;
    EXPECT_TRUE(story(run, input).ends_with("<unavailable>\n")) << input;
    EXPECT_NE(run.reply.text, "");
    EXPECT_EQ(run.reply.code, "");
  }
}

TEST(Pop3Back, AGreetingMayRefuseWithACode) {
  BackRun run;
  story(run, "-ERR [SYS/TEMP] Too busy.\r\n");
  EXPECT_EQ(run.end, Event::unavailable);
  EXPECT_EQ(run.reply.code + " " + run.reply.text, "SYS/TEMP Too busy.");
}

TEST(Pop3Back, T47_TextsAreMadePrintable) {
  BackRun run;
  story(run, "+OK\r\n+OK\r\n-ERR \x1b[31m\x01 a\rb\r\n");
  EXPECT_EQ(run.reply.text, "\\x1b[31m\\x01 a\\x0db");
}

TEST(Pop3Back, StlsComesFirst) {
  BackRun run;
  run.policy.tls = BackPolicy::Tls::starttls;
  EXPECT_EQ(run(Chunks{"+OK\r\n", "+OK go\r\n", "+OK\r\n", "+OK in\r\n"}),
            "STLS\r\n<start_tls>\nUSER bob\r\nPASS pw\r\n<logged_in>\n");
  EXPECT_EQ(run(every_split("+OK\r\n+OK go\r\n+OK\r\n+OK in\r\n").back()),
            "STLS\r\n<start_tls>\nUSER bob\r\nPASS pw\r\n<logged_in>\n")
      << "octet by octet";
}

TEST(Pop3Back, A19_NoTlsNoLogin) {
  for (std::string answer : {"-ERR unknown\r\n", "-ERR [SYS/TEMP] spoofed\r\n", "+ \r\n", "junk\r\n"}) {
    BackRun run;
    run.policy.tls = BackPolicy::Tls::starttls;
    EXPECT_EQ(run(Chunks{"+OK\r\n", answer}), "STLS\r\n<unavailable>\n");
    EXPECT_EQ(run.reply.code, "") << "T47: what came in clear text is not relayed";
  }
}

TEST(Pop3Back, A18_T28_NothingInClearTextSurvivesTls) {
  BackRun run;
  run.policy.tls = BackPolicy::Tls::starttls;
  EXPECT_EQ(run(Chunks{"+OK\r\n", "+OK go\r\n+OK\r\n+OK in\r\n"}), "STLS\r\n<unavailable>\n{+OK\r\n+OK in\r\n}");
  EXPECT_EQ(run(Chunks{"+OK\r\n", "+OK go\r\n\x16"}), "STLS\r\n<unavailable>\n{\x16}");
  EXPECT_EQ(run(Chunks{"+OK\r\n+OK go\r\n"}), "<unavailable>\n{+OK go\r\n}");
}

TEST(Pop3Back, XclientIfTheGreetingKnowsIt) {
  BackRun run;
  run.policy.forward_client = true;
  run.login.facts = {"192.0.2.7", 4711, "2001:db8::1", 110, "a/B+c", true, "", 5, "pop.example.com"};
  EXPECT_EQ(story(run, "+OK [XCLIENT] Dovecot ready.\r\n+OK Updated\r\n+OK\r\n+OK in\r\n"),
            "XCLIENT ADDR=192.0.2.7 PORT=4711 DESTADDR=2001:db8::1 DESTPORT=110 SESSION=a/B+c TTL=5 "
            "CLIENT-TRANSPORT=TLS DESTNAME=pop.example.com\r\n"
            "USER bob\r\nPASS pw\r\n<logged_in>\n");
  EXPECT_EQ(run("+OK Dovecot ready.\r\n"), "USER bob\r\n");
  EXPECT_EQ(run("+OK [XCLIENT] hi\r\n-ERR no\r\n"),
            "XCLIENT ADDR=192.0.2.7 PORT=4711 DESTADDR=2001:db8::1 DESTPORT=110 SESSION=a/B+c TTL=5 "
            "CLIENT-TRANSPORT=TLS DESTNAME=pop.example.com\r\nUSER bob\r\n");
  run.policy.forward_client = false;
  EXPECT_EQ(run("+OK [XCLIENT] Dovecot ready.\r\n"), "USER bob\r\n");
}

TEST(Pop3Back, A4_FieldsForAPassdbAreOneWord) {
  BackRun run;
  run.policy.forward_client = true;
  run.login.facts.forward = {{"uid", "0"}, {"name", "a b\r\nSTAT\tx=y"}};
  EXPECT_EQ(run("+OK [XCLIENT] hi\r\n"), "XCLIENT TTL=5 CLIENT-TRANSPORT=insecure FORWARD=" +
                                             base64_encode("uid=0\tname=a b\001r\001nSTAT\001tx=y") + "\r\n");
  run.login.facts = {"192.0.2.7", 4711, "2001:db8::1", 110, std::string(64, 's'), true, "", 5, std::string(253, 'n')};
  for (int i = 0; i < 9; ++i) run.login.facts.forward.push_back({"n" + std::to_string(i), std::string(90, 'v')});
  const std::string line = run("+OK [XCLIENT] hi\r\n");
  EXPECT_LE(line.size(), 1002u) << "Dovecot's line";
  EXPECT_GT(line.size(), 850u);
  run.policy.forward_client = false;
  EXPECT_EQ(run("+OK [XCLIENT] hi\r\n"), "USER bob\r\n");
}

TEST(Pop3Back, T28_XclientDoesNotTrustAGreetingInClearText) {
  BackRun run;
  run.policy.tls = BackPolicy::Tls::starttls;
  run.policy.forward_client = true;
  for (std::string greeting : {"+OK [XCLIENT] hi\r\n", "+OK hi\r\n"}) {
    EXPECT_EQ(run(Chunks{greeting, "+OK\r\n"}), "STLS\r\n<start_tls>\nXCLIENT TTL=5 CLIENT-TRANSPORT=insecure\r\n");
  }
}

TEST(Pop3Back, UnknownFactsAreLeftOut) {
  BackRun run;
  run.policy.forward_client = true;
  run.login.facts = {"192.0.2.7", 0, "", 110, "", true, "", 2, ""};
  EXPECT_EQ(run("+OK [XCLIENT]\r\n"), "XCLIENT ADDR=192.0.2.7 TTL=2 CLIENT-TRANSPORT=TLS\r\n");
}

TEST(Pop3Back, AnAnswerToAProxyHeaderIsNoAnswerToUser) {
  BackRun run;
  run.policy.proxy_header = true;
  EXPECT_EQ(run(Chunks{"+OK hi\r\n", "+OK list\r\nUSER\r\n.\r\n", "+OK\r\n", "+OK in\r\n"}),
            "CAPA\r\nUSER bob\r\nPASS pw\r\n<logged_in>\n");
  for (const Chunks& wrong :
       {Chunks{"+OK hi\r\n", "-ERR Unknown command.\r\n"}, Chunks{"+OK hi\r\n-ERR Unknown\r\n"}}) {
    run(wrong);
    EXPECT_EQ(run.reply.text, "the backend takes our PROXY header for commands");
  }
  run.policy.tls = BackPolicy::Tls::starttls;
  EXPECT_EQ(run(Chunks{"+OK hi\r\n", "+OK\r\nSTLS\r\n.\r\n", "+OK\r\n"}), "CAPA\r\nSTLS\r\n<start_tls>\nUSER bob\r\n");
}

TEST(Pop3Back, A3_A4_FactsCannotInject) {
  BackRun run;
  run.policy.forward_client = true;
  for (std::string bad : {"1.2.3.4\r\nSTAT", "1.2.3.4 TTL=9", "", "host.example", "fe80::1%eth0\n"}) {
    run.login.facts.client_ip = run.login.facts.local_ip = bad;
    EXPECT_EQ(run("+OK [XCLIENT]\r\n"), "XCLIENT TTL=5 CLIENT-TRANSPORT=insecure\r\n") << bad;
  }
  run.login.facts.client_ip = run.login.facts.local_ip = "";
  for (const std::string& bad :
       {std::string("a b"), std::string("a\r\nSTAT"), std::string("a..b"), std::string(".a"), std::string("-a"),
        std::string(254, 'n'), std::string("a TTL=9"), std::string("a\"")}) {
    run.login.facts.local_name = bad;
    EXPECT_EQ(run("+OK [XCLIENT]\r\n"), "XCLIENT TTL=5 CLIENT-TRANSPORT=insecure\r\n") << bad;
  }
  for (const std::string& bad :
       {std::string("a b"), std::string("a\r\nSTAT"), std::string(65, 's'), std::string("\xc3\xa9")}) {
    run.login.facts.session_id = bad;
    EXPECT_EQ(run("+OK [XCLIENT]\r\n"), "XCLIENT TTL=5 CLIENT-TRANSPORT=insecure\r\n") << bad;
  }
}

TEST(Pop3Back, A12_LongAndEndlessAnswersAreUnavailable) {
  BackRun run;
  EXPECT_TRUE(run(std::string(limits::kBackendLineMax, 'x')).starts_with("<unavailable>\n"));
  EXPECT_EQ(run("+OK " + std::string(1000, 'x')), "{+OK " + std::string(1000, 'x') + "}") << "slow, not wrong";
}

TEST(Pop3Back, T49_WeNeverQuit) {
  for (std::string input :
       {"+OK\r\n+OK\r\n+OK\r\n", "+OK\r\n-ERR no\r\n", "-ERR\r\n", "junk\r\n", "+OK\r\n+OK\r\n-ERR x\r\n"}) {
    BackRun run;
    EXPECT_EQ(story(run, input).find("QUIT"), std::string::npos);
  }
}

TEST(Pop3Back, StatesHaveNames) {
  BackLogin login;
  login.authcid = "bob";
  login.password = Secret("pw");
  auto back = make_back({BackPolicy::Tls::starttls, false}, std::move(login));
  Out out;
  EXPECT_EQ(back->state_name(), "greeting");
  back->feed("+OK\r\n", out);
  EXPECT_EQ(back->state_name(), "stls");
  back->feed("+OK\r\n", out);
  EXPECT_EQ(back->state_name(), "tls-handshake");
  back->tls_established(out);
  EXPECT_EQ(back->state_name(), "user");
  back->feed("+OK\r\n", out);
  EXPECT_EQ(back->state_name(), "pass");
  back->feed("+OK\r\n", out);
  EXPECT_EQ(back->state_name(), "over");
  EXPECT_TRUE(back->capabilities().empty());
}

}  // namespace
}  // namespace postigo::pop3
