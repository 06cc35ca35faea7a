// The relay after login: what passes untouched, what is rewritten, and that cutting the stream changes neither.
#include <string>

#include "parser/base/limits.h"
#include "tests/unit/parser/pop3_drive.h"

namespace postigo::pop3 {
namespace {

constexpr char kOurs[] = "TOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nUSER\r\n";

// The client says `input`, at every split; what the backend hears.
std::string to_backend(const std::string& input) {
  std::string whole = FilterRun().client(input);
  for (const Chunks& chunks : every_split(input)) {
    FilterRun run;
    std::string heard;
    for (const std::string& chunk : chunks) heard += run.client(chunk);
    EXPECT_EQ(heard, whole) << "cut at " << chunks[0].size();
  }
  return whole;
}

// The backend's `input` after the client's `commands`, at every split; what the client hears.
std::string to_client(const std::string& commands, const std::string& input,
                      const CapabilityPolicy& policy = CapabilityPolicy()) {
  std::string whole;
  for (const Chunks& chunks : every_split(input)) {
    FilterRun run;
    *run.policy = policy;
    run.client(commands);
    std::string heard;
    for (const std::string& chunk : chunks) heard += run.backend(chunk);
    if (chunks.size() == 1) whole = heard;
    EXPECT_EQ(heard, whole) << "cut at " << chunks[0].size();
    EXPECT_TRUE(run.filter->at_line_start());
  }
  return whole;
}

TEST(Pop3Filter, OrdinaryCommandsPassAndAreCounted) {
  FilterRun run;
  std::string session = "STAT\r\nlist\r\nUIDL 1\r\nRETR 1\r\nTOP 1 0\r\nDELE 1\r\nXFOO bar\r\nNOOP\r\nRSET\r\nQUIT\r\n";
  EXPECT_EQ(to_backend(session), session);
  EXPECT_EQ(run.client(session), session);
  for (std::string_view verb : {"STAT", "LIST", "UIDL", "RETR", "TOP", "DELE", "other", "NOOP", "RSET", "QUIT"}) {
    EXPECT_EQ(run.counted(verb), 1U) << verb;
  }
  EXPECT_EQ(run.filter->commands(), 10U);
  EXPECT_FALSE(run.filter->transparent());
}

TEST(Pop3Filter, T49_T51_QuitIsSeenAndPassedOnce) {
  FilterRun run;
  EXPECT_FALSE(run.filter->said_quit());
  EXPECT_EQ(run.client("DELE 1\r\nQUIT\r"), "DELE 1\r\n");
  EXPECT_FALSE(run.filter->said_quit());
  EXPECT_EQ(run.client("\n"), "QUIT\r\n");
  EXPECT_TRUE(run.filter->said_quit());
}

TEST(Pop3Filter, ASecondLoginBecomesAnUnknownVerb) {
  for (std::string line : {"USER bob", "PASS secret word", "auth plain AGJvYgBw", "APOP a b", "RPOP a", "STLS",
                           "sTlS x", "XCLIENT ADDR=1.2.3.4", "XOIP 1.2.3.4", "XTND XMIT"}) {
    EXPECT_EQ(to_backend("NOOP\r\n" + line + "\r\nNOOP\r\n" + line + "\n"), "NOOP\r\nX\r\nNOOP\r\nX\r\n");
  }
}

// What one server takes for a verb, an argument or the end of a line, and another one does not.
TEST(Pop3Filter, A34_LinesThatReadInTwoWaysDoNotPass) {
  using namespace std::string_literals;
  for (std::string line : {" USER bob"s, "\t \tSTLS"s, "\rAUTH PLAIN"s, "USER\0bob"s, "USER\tbob"s, "STAT\rQUIT"s,
                           "LIST\t1"s, "RETR 1\0"s, "\x7f"s, ""s, "  "s, "UIDL\x01"s}) {
    EXPECT_EQ(to_backend(line + "\r\nSTAT\r\n"), "X\r\nSTAT\r\n") << testing::PrintToString(line);
  }
}

// An argument for one server and none for another: a line, or a listing?
TEST(Pop3Filter, A34_BlanksAtTheEndGo) {
  EXPECT_EQ(to_backend("LIST \r\nUIDL  \nNOOP\nSTAT \n"), "LIST\r\nUIDL\r\nNOOP\r\nSTAT\r\n");
}

TEST(Pop3Filter, VerbsThatOnlyLookForbiddenPass) {
  for (std::string line : {"USERS\r\n", "PASSWORD x\r\n", "AUTHX\r\n", "XCLIENTS\r\n", "XCLIENTXX a\r\n", "U\r\n",
                           "XSENDER 1\r\n", "RETR USER\r\n", "S\r\n", "NOOP STLS\r\n", "LANG \xc3\xbc\r\n"}) {
    EXPECT_EQ(to_backend(line), line);
  }
}

TEST(Pop3Filter, T68_ALinePassesWholeOrNotAtAll) {
  FilterRun run;
  for (const char* part : {"S", "TAT", "\r"}) EXPECT_EQ(run.client(part), "");
  EXPECT_EQ(run.client("\nDEL"), "STAT\r\n");
  EXPECT_EQ(run.client("E 1\r\n"), "DELE 1\r\n");
}

TEST(Pop3Filter, LinesThatAreTooLong) {
  std::string longer = "STAT " + std::string(limits::kPop3RelayLineMax, 'x');
  EXPECT_EQ(FilterRun().client(longer + "\r\nNOOP\r\n"), "X\r\nNOOP\r\n");
  FilterRun run;
  EXPECT_EQ(run.client(longer), "X\r\n");
  EXPECT_EQ(run.client("x\nNOOP\r\n"), "NOOP\r\n");
}

TEST(Pop3Filter, T52_ListingsAreSkippedAsTheyAre) {
  std::string mail =
      "+OK 120 octets\r\nSubject: x\r\n\r\n..\r\n...\r\n.x\r\n.\rx\r\n.\r\r\nCAPA\r\n+OK\r\n-ERR\r\n x.\r\n..\r\n.\r\n";
  EXPECT_EQ(to_client("RETR 1\r\nCAPA\r\n", mail + "+OK\r\nSTLS\r\n.\r\n"), mail + "+OK\r\n" + kOurs + ".\r\n");
  EXPECT_EQ(to_client("LIST\r\nCAPA\r\n", "+OK\n.\n+OK\r\nSTLS\r\n.\r\n"),
            std::string("+OK\n.\n+OK\r\n") + kOurs + ".\r\n");
}

TEST(Pop3Filter, ShapesOfAnswersKeepStepWhenPipelined) {
  std::string commands =
      "STAT\r\nLIST\r\nLIST 1\r\nUIDL \r\nUIDL 1\r\nTOP 1 0\r\nRETR 9\r\nLANG\r\nLANG de\r\nCAPA\r\nQUIT\r\n";
  std::string answers =
      "+OK 1 2\r\n+OK\r\n1 2\r\n.\r\n+OK 1 2\r\n+OK\r\n1 a\r\n.\r\n+OK 1 a\r\n+OK\r\n.\r\n-ERR no\r\n+OK\r\nde "
      "x\r\n.\r\n+OK\r\n";
  EXPECT_EQ(to_client(commands, answers + "+OK\r\nSASL PLAIN\r\n.\r\n+OK bye\r\n"),
            answers + "+OK\r\n" + kOurs + ".\r\n+OK bye\r\n");
}

TEST(Pop3Filter, T44_CapaIsWhatWePromisedAndWhatMayPass) {
  EXPECT_EQ(
      to_client("CAPA\r\n",
                "+OK\r\nCAPA\r\nTOP\r\nSTLS\r\nSASL PLAIN LOGIN\r\nexpire 60 USER\r\nLOGIN-DELAY 10\r\nXCLIENT\r\n"
                "IMPLEMENTATION Secret-4.2\r\nUTF8 USER\r\nLANG\r\nXOIP\r\nNOT-KNOWN-BUT-LONG x\r\nUSER\r\n.\r\n"),
      std::string("+OK\r\n") + kOurs + "CAPA\r\nEXPIRE 60 USER\r\nLOGIN-DELAY 10\r\nLANG\r\n.\r\n")
      << "T45: no IMPLEMENTATION";
}

// RFC 2449 6.3: announced in both states. A backend's own list of mechanisms is not for our clients.
TEST(Pop3Filter, T44_SaslStaysAnnounced) {
  FilterRun run;
  run.policy->sasl = "SASL PLAIN LOGIN";
  run.policy->add = {"EXPIRE 30"};
  run.client("CAPA\r\n");
  EXPECT_EQ(run.backend("+OK\r\nSASL X-GSSAPI\r\nLANG\r\n.\r\n"),
            std::string("+OK\r\n") + kOurs + "SASL PLAIN LOGIN\r\nEXPIRE 30\r\nLANG\r\n.\r\n");
  run.policy->hide = {"SASL"};
  run.client("CAPA\r\n");
  EXPECT_EQ(run.backend("+OK\r\n.\r\n"), std::string("+OK\r\n") + kOurs + "EXPIRE 30\r\n.\r\n");
}

TEST(Pop3Filter, EachRewrittenListIsCountedOnce) {
  FilterRun run;
  run.client("CAPA\r\nNOOP\r\nCAPA\r\nCAPA\r\n");
  run.backend("+OK\r\nTOP\r\n.\r\n+OK\r\n-ERR\r\n+OK\r\n.\r\n");
  EXPECT_EQ(run.lists.get(), 2u);
}

TEST(Pop3Filter, T45_TheExampleOfRfc2449) {
  EXPECT_EQ(to_client("CAPA\r\n",
                      "+OK Capability list follows\r\nTOP\r\nUSER\r\nSASL CRAM-MD5 KERBEROS_V4\r\nRESP-CODES\r\n"
                      "LOGIN-DELAY 900\r\nPIPELINING\r\nEXPIRE 60\r\nUIDL\r\n"
                      "IMPLEMENTATION Shlemazle-Plotz-v302\r\n.\r\n"),
            std::string("+OK Capability list follows\r\n") + kOurs + "LOGIN-DELAY 900\r\nEXPIRE 60\r\n.\r\n");
}

TEST(Pop3Filter, TheSessionOfRfc1939) {
  std::string commands = "STAT\r\nLIST\r\nRETR 1\r\nDELE 1\r\nRETR 2\r\nDELE 2\r\nQUIT\r\n";
  std::string answers =
      "+OK 2 320\r\n+OK 2 messages (320 octets)\r\n1 120\r\n2 200\r\n.\r\n+OK 120 octets\r\n<message 1>\r\n.\r\n"
      "+OK message 1 deleted\r\n+OK 200 octets\r\n<message 2>\r\n.\r\n+OK message 2 deleted\r\n"
      "+OK dewey POP3 server signing off (maildrop empty)\r\n";
  EXPECT_EQ(to_backend(commands), commands);
  EXPECT_EQ(to_client(commands, answers), answers);
}

TEST(Pop3Filter, T44_CapaOfABackendThatHasNoneIsOurs) {
  CapabilityPolicy policy;
  policy.sasl = "SASL PLAIN";
  policy.add = {"EXPIRE 30"};
  policy.hide = {"TOP"};
  for (std::string refusal : {"-ERR what\r\n", "-ERR\n", "-ERR [SYS/TEMP] \r.\r\n"}) {
    EXPECT_EQ(to_client("STAT\r\nCAPA\r\nSTAT\r\n", "+OK 0 0\r\n" + refusal + "-ERR no\r\n", policy),
              "+OK 0 0\r\n+OK\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nUSER\r\nSASL PLAIN\r\n"
              "EXPIRE 30\r\n.\r\n-ERR no\r\n")
        << refusal;
  }
}

TEST(Pop3Filter, OddCapaBodiesEndWhereTheyEnd) {
  EXPECT_EQ(to_client("CAPA\r\n", "+OK\r\n\r\n TOP\r\n. \r\n.x\r\n..\r\n.\rx\r\nLANG\n.\n"),
            std::string("+OK\r\n") + kOurs + "LANG\n.\r\n");
}

TEST(Pop3Filter, HideAndAdd) {
  CapabilityPolicy policy;
  policy.hide = {"TOP", "LOGIN-DELAY", "X-GONE"};
  policy.add = {"EXPIRE NEVER", "X-GONE", "X-NEW a b", "STLS", "SASL PLAIN", "UIDL", ""};
  EXPECT_EQ(to_client("CAPA\r\n", "+OK\r\nEXPIRE 60\r\nLOGIN-DELAY 1\r\nLANG\r\n.\r\n", policy),
            "+OK\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nUSER\r\nEXPIRE NEVER\r\nX-NEW a "
            "b\r\nLANG\r\n.\r\n");
}

TEST(Pop3Filter, ManyAdditionsNeedMoreThanOneCall) {
  CapabilityPolicy policy;
  std::string added;
  for (int i = 0; i < 50; ++i) {
    policy.add.push_back("X-" + std::to_string(i));
    added += policy.add.back() + "\r\n";
  }
  EXPECT_EQ(to_client("CAPA\r\n", "+OK\r\n.\r\n", policy), std::string("+OK\r\n") + kOurs + added + ".\r\n");
}

TEST(Pop3Filter, CapaWordsInMailStay) {
  std::string mail = "+OK\r\nSTLS\r\nSASL PLAIN\r\nIMPLEMENTATION x\r\n.\r\n";
  EXPECT_EQ(to_client("RETR 1\r\n", mail), mail);
}

TEST(Pop3Filter, ATwoHundredthPipelinedCommandWaits) {
  FilterRun run;
  std::string lists;
  for (int i = 0; i < 200; ++i) lists += "LIST\r\n";
  std::string heard = run.client(lists);
  EXPECT_TRUE(run.blocked);
  EXPECT_EQ(heard.size(), ReplyQueue::kMax * 6);
  run.backend("+OK\r\n.\r\n-ERR\r\n");
  heard += run.client("");
  EXPECT_EQ(heard.size(), (ReplyQueue::kMax + 2) * 6);
  while (run.blocked) {
    run.backend("+OK\r\n.\r\n");
    heard += run.client("");
  }
  EXPECT_EQ(heard, lists);
}

TEST(Pop3Filter, UnaskedLinesPassAndShiftNothing) {
  EXPECT_EQ(to_client("", "-ERR Disconnected for inactivity.\r\n"), "-ERR Disconnected for inactivity.\r\n");
  EXPECT_EQ(to_client("XLST\r\nCAPA\r\n", "+OK\r\nfoo\r\n.\r\n+OK\r\nSTLS\r\n.\r\n"),
            std::string("+OK\r\nfoo\r\n.\r\n+OK\r\n") + kOurs + ".\r\n");
}

TEST(Pop3Filter, T46_LineStartIsOnlyBetweenReplies) {
  FilterRun run;
  EXPECT_TRUE(run.filter->at_line_start());
  run.client("RETR 1\r\n");
  EXPECT_TRUE(run.filter->at_line_start());
  for (Bytes part : {"+", "OK\r\n", "body\r\n", ".", "\r"}) {
    run.backend(part);
    EXPECT_FALSE(run.filter->at_line_start()) << part;
  }
  run.backend("\n");
  EXPECT_TRUE(run.filter->at_line_start());
}

}  // namespace
}  // namespace postigo::pop3
