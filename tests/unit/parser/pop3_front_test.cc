// The AUTHORIZATION state towards a client, one behaviour per test and each at every split of the input.
#include <string>

#include "parser/base/base64.h"
#include "parser/base/limits.h"
#include "tests/unit/parser/pop3_drive.h"

namespace postigo::pop3 {
namespace {

using namespace std::string_literals;

constexpr char kGreeting[] = "+OK mail.example ready.\r\n";
constexpr char kNoClearText[] = "-ERR [SYS/PERM] Cleartext login is not allowed, start TLS first.\r\n";
constexpr char kBadPassword[] = "-ERR [AUTH] Authentication failed.\r\n";
const Refusal kRefused{Refusal::Kind::bad_credentials, ""};

// The story without the greeting, the same at every split.
std::string story(FrontRun& run, const std::string& input) {
  std::string whole = run(input);
  for (const Chunks& chunks : every_split(input)) EXPECT_EQ(run(chunks), whole) << "cut at " << chunks[0].size();
  EXPECT_TRUE(whole.starts_with(kGreeting));
  return whole.substr(sizeof(kGreeting) - 1);
}

Chunks pieces(const std::string& input, size_t size) {
  Chunks chunks;
  for (size_t at = 0; at < input.size(); at += size) chunks.push_back(input.substr(at, size));
  return chunks;
}

std::string plain(const std::string& authzid, const std::string& user, const std::string& password) {
  return base64_encode(authzid + "\0"s + user + "\0"s + password);
}

TEST(Pop3Front, GreetingNamesTheHostAndOffersNoApop) {
  FrontRun run;
  EXPECT_EQ(run(""), kGreeting);
  EXPECT_EQ(run("").find('<'), std::string::npos) << "T26";
  run.policy.hostname = "";
  EXPECT_EQ(run(""), "+OK ready.\r\n");
}

TEST(Pop3Front, CapaWithTls) {
  FrontRun run;
  EXPECT_EQ(story(run, "CAPA\r\n"),
            "+OK Capability list follows\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nUSER\r\n"
            "SASL PLAIN LOGIN\r\n.\r\n");
}

TEST(Pop3Front, T29_CapaInClearTextShowsOnlyWhatIsTrue) {
  FrontRun run;
  run.tls = false;
  EXPECT_EQ(
      story(run, "CAPA\r\n"),
      "+OK Capability list follows\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nSTLS\r\n.\r\n");
  run.policy.plaintext_login_allowed = true;
  EXPECT_NE(story(run, "CAPA\r\n").find("USER\r\nSASL PLAIN LOGIN\r\nSTLS\r\n"), std::string::npos);
  run.policy.starttls_offered = false;
  EXPECT_EQ(story(run, "CAPA\r\n").find("STLS"), std::string::npos);
}

TEST(Pop3Front, CapaHonoursHideAndT45NamesNoSoftware) {
  FrontRun run;
  run.capabilities->hide = {"PIPELINING", "SASL"};
  std::string capa = story(run, "CAPA\r\n");
  EXPECT_EQ(capa.find("PIPELINING"), std::string::npos);
  EXPECT_EQ(capa.find("SASL"), std::string::npos);
  EXPECT_EQ(capa.find("IMPLEMENTATION"), std::string::npos);
}

TEST(Pop3Front, UserAndPass) {
  FrontRun run;
  EXPECT_EQ(story(run, "USER bob\r\nPASS secret\r\n"), "+OK\r\n<USER bob with secret>\n+OK Logged in.\r\n");
  EXPECT_EQ(story(run, "user bob\npass secret\n"), "+OK\r\n<USER bob with secret>\n+OK Logged in.\r\n") << "T13";
}

TEST(Pop3Front, T53_PasswordsKeepTheirSpaces) {
  FrontRun run;
  EXPECT_EQ(story(run, "USER bob\r\nPASS  a b  c \r\n"), "+OK\r\n<USER bob with  a b  c >\n+OK Logged in.\r\n");
}

TEST(Pop3Front, PassNeedsUserAndAFailureForgetsIt) {
  FrontRun run;
  run.refusals = {kRefused};
  EXPECT_EQ(story(run, "PASS x\r\nUSER bob\r\nPASS x\r\nPASS x\r\nQUIT\r\n"),
            "-ERR USER comes first.\r\n+OK\r\n<USER bob with x>\n" + std::string(kBadPassword) +
                "-ERR USER comes first.\r\n+OK Bye.\r\n<hang_up>\n");
}

TEST(Pop3Front, T18_WhatFollowsALoginIsLeftForTheRelay) {
  FrontRun run;
  EXPECT_EQ(story(run, "USER bob\r\nPASS x\r\nSTAT\r\nLIST\r\nQU"),
            "+OK\r\n<USER bob with x>\n+OK Logged in.\r\n{STAT\r\nLIST\r\nQU}");
}

TEST(Pop3Front, T19_WhatFollowsAFailureIsAnsweredByUs) {
  FrontRun run;
  run.refusals = {kRefused};
  EXPECT_EQ(story(run, "USER bob\r\nPASS x\r\nSTAT\r\nNOOP\r\nQUIT\r\n"),
            "+OK\r\n<USER bob with x>\n" + std::string(kBadPassword) +
                "-ERR Unknown command.\r\n+OK\r\n+OK Bye.\r\n<hang_up>\n");
}

TEST(Pop3Front, T50_QuitIsOurs) {
  FrontRun run;
  EXPECT_EQ(story(run, "QUIT\r\nSTAT\r\n"), "+OK Bye.\r\n<hang_up>\n{STAT\r\n}");
}

TEST(Pop3Front, AuthPlainBothWays) {
  FrontRun run;
  std::string message = plain("", "bob", "secret");
  EXPECT_EQ(story(run, "AUTH PLAIN " + message + "\r\n"), "<PLAIN bob with secret>\n+OK Logged in.\r\n");
  EXPECT_EQ(story(run, "auth plain\r\n" + message + "\r\n"), "+ \r\n<PLAIN bob with secret>\n+OK Logged in.\r\n")
      << "T21: a lone plus has a space";
}

TEST(Pop3Front, T24_AuthzidReachesWhoDecides) {
  FrontRun run;
  EXPECT_EQ(story(run, "AUTH PLAIN " + plain("ann", "bob", "secret") + "\r\n"),
            "<PLAIN bob as ann with secret>\n+OK Logged in.\r\n");
}

TEST(Pop3Front, AuthLoginBothWays) {
  FrontRun run;
  std::string password = base64_encode("secret");
  EXPECT_EQ(story(run, "AUTH LOGIN\r\nYm9i\r\n" + password + "\r\n"),
            "+ VXNlcm5hbWU6\r\n+ UGFzc3dvcmQ6\r\n<LOGIN bob with secret>\n+OK Logged in.\r\n");
  EXPECT_EQ(story(run, "AUTH LOGIN Ym9i\r\n" + password + "\r\n"),
            "+ UGFzc3dvcmQ6\r\n<LOGIN bob with secret>\n+OK Logged in.\r\n");
}

TEST(Pop3Front, AuthAloneListsMechanisms) {
  FrontRun run;
  EXPECT_EQ(story(run, "AUTH\r\n"), "+OK\r\nPLAIN\r\nLOGIN\r\n.\r\n");
  run.tls = false;
  EXPECT_EQ(story(run, "AUTH\r\n"), "+OK\r\n.\r\n");
}

TEST(Pop3Front, T20_AStarCancels) {
  FrontRun run;
  EXPECT_EQ(story(run, "AUTH PLAIN\r\n*\r\nAUTH LOGIN Ym9i\r\n*\r\nNOOP\r\n"),
            "+ \r\n-ERR Authentication cancelled.\r\n+ UGFzc3dvcmQ6\r\n-ERR Authentication cancelled.\r\n+OK\r\n");
}

TEST(Pop3Front, T16_BrokenBase64AsksNobody) {
  FrontRun run;
  const std::string bad[] = {"AGJv*gBw", "AGJvYgBw=", "AGJvYgB=", "AGJv YgBw", "AGJvYgBwA", "=", "====", "A"};
  for (const std::string& base64 : bad) {
    std::string said = story(run, "AUTH PLAIN " + base64 + "\r\n");
    EXPECT_TRUE(said.starts_with("-ERR Invalid ")) << base64 << ": " << said;
    EXPECT_EQ(said.find('<'), std::string::npos) << base64;
    said = story(run, "AUTH PLAIN\r\n" + base64 + "\r\n");
    EXPECT_TRUE(said.starts_with("+ \r\n-ERR Invalid ")) << base64 << ": " << said;
  }
}

TEST(Pop3Front, UnknownMechanismsAreRefused) {
  FrontRun run;
  EXPECT_EQ(story(run, "AUTH CRAM-MD5\r\n"), "-ERR Unsupported authentication mechanism.\r\n");
  run.policy.mechanisms = {"PLAIN", "GSSAPI"};
  EXPECT_EQ(story(run, "AUTH APOP\r\nAUTH GSSAPI\r\n"),
            "-ERR Unsupported authentication mechanism.\r\n-ERR Unsupported authentication mechanism.\r\n");
}

TEST(Pop3Front, T29_NoPasswordInClearTextAgainstThePolicy) {
  FrontRun run;
  run.tls = false;
  std::string n = kNoClearText;
  EXPECT_EQ(story(run, "USER bob\r\nPASS x\r\nAUTH PLAIN\r\nAUTH PLAIN " + plain("", "bob", "x") + "\r\n"),
            n + n + n + n);
}

TEST(Pop3Front, A1_T27_T55_WhatFollowsStlsIsTls) {
  FrontRun run;
  run.tls = false;
  const std::string told = std::string(kGreeting) + "+OK Begin TLS negotiation.\r\n<start_tls>\n";
  for (std::string behind : {"CAPA\r\n", "USER bob\r\nPASS x\r\n", "\r\n", "\x16\x03\x01"}) {
    EXPECT_EQ(run("STLS\r\n" + behind), told + "[" + behind + "]\n");
    EXPECT_EQ(run(Chunks{"STL", "S\r\n" + behind}), told + "[" + behind + "]\n");
    EXPECT_EQ(run(Chunks{"STLS\r", "\n" + behind}), told + "[" + behind + "]\n");
  }
}

TEST(Pop3Front, T55_StlsForgetsTheUser) {
  FrontRun run;
  run.tls = false;
  run.policy.plaintext_login_allowed = true;
  EXPECT_EQ(run(Chunks{"USER bob\r\n", "STLS\r\n", "PASS x\r\n", "CAPA\r\n"}).substr(sizeof(kGreeting) - 1),
            "+OK\r\n+OK Begin TLS negotiation.\r\n<start_tls>\n-ERR USER comes first.\r\n"
            "+OK Capability list follows\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nUSER\r\n"
            "SASL PLAIN LOGIN\r\n.\r\n");
}

TEST(Pop3Front, T29_StlsOnlyOnceAndOnlyIfOffered) {
  FrontRun run;
  EXPECT_EQ(story(run, "STLS\r\n"), "-ERR TLS is already active.\r\n");
  run.tls = false;
  EXPECT_EQ(run(Chunks{"STLS\r\n", "STLS\r\n"}).substr(sizeof(kGreeting) - 1),
            "+OK Begin TLS negotiation.\r\n<start_tls>\n-ERR TLS is already active.\r\n");
  run.policy.starttls_offered = false;
  EXPECT_EQ(story(run, "STLS\r\n"), "-ERR TLS is not available.\r\n");
}

TEST(Pop3Front, T54_LinesHave255Octets) {
  FrontRun run;
  std::string argument(limits::kPop3LineMax - 7, 'u');
  EXPECT_EQ(story(run, "CAPA " + argument + "\r\n"), "-ERR This command takes no argument.\r\n");
  EXPECT_EQ(story(run, "CAPA " + argument + "u\r\nNOOP\r\n"), "-ERR Line too long.\r\n+OK\r\n");
  EXPECT_EQ(story(run, std::string(1000, 'A') + "\r\nNOOP\r\n"), "-ERR Line too long.\r\n+OK\r\n");
}

TEST(Pop3Front, T54_AuthLinesMayBeLonger) {
  FrontRun run;
  std::string password(limits::kPasswordMax, 'p');
  std::string message = plain("", "bob", password);
  std::string expected = "<PLAIN bob with " + password + ">\n+OK Logged in.\r\n";
  EXPECT_EQ(run("AUTH PLAIN " + message + "\r\n").substr(sizeof(kGreeting) - 1), expected);
  EXPECT_EQ(run("AUTH PLAIN\r\n" + message + "\r\n").substr(sizeof(kGreeting) - 1), "+ \r\n" + expected);
}

TEST(Pop3Front, T76_TooLongIsAWrongPasswordAndNoErrorOfSyntax) {
  const std::string kilobyte(1024, 'p');
  const std::string endless(limits::kSaslLineMax, 'A');
  FrontRun run;
  EXPECT_EQ(run("USER bob\r\nPASS " + kilobyte + "\r\n").substr(sizeof(kGreeting) - 1),
            "+OK\r\n<USER bob with " + kilobyte + ">\n+OK Logged in.\r\n");
  run.refusals.assign(10, kRefused);
  const std::string wrong = std::string(kBadPassword) + "+OK\r\n";
  const std::pair<std::string, std::string> table[] = {
      {"USER bob\r\nPASS " + std::string(limits::kPasswordMax + 1, 'p'), "+OK\r\n<USER bob impossible>\n"},
      {"USER bob\r\nPASS " + endless + endless, "+OK\r\n<USER bob impossible>\n"},
      {"USER bob\r\nPASS ", "+OK\r\n<USER bob impossible>\n"},
      {"AUTH PLAIN\r\n" + endless, "+ \r\n<PLAIN  impossible>\n"},
      {"auth plain " + endless, "<PLAIN  impossible>\n"},
      {"AUTH LOGIN\r\n" + endless, "+ VXNlcm5hbWU6\r\n<LOGIN  impossible>\n"},
  };
  for (const auto& [input, told] : table) {
    std::string whole = run(input + "\r\nNOOP\r\n").substr(sizeof(kGreeting) - 1);
    EXPECT_EQ(whole, told + wrong) << input.substr(0, 20);
    EXPECT_EQ(run(pieces(input + "\r\nNOOP\r\n", 997)).substr(sizeof(kGreeting) - 1), whole);
  }
  std::string name(limits::kUserMax + 1, 'u');
  EXPECT_EQ(run("USER " + name + "\r\nPASS x\r\n").substr(sizeof(kGreeting) - 1),
            "+OK\r\n<USER " + name.substr(1) + " impossible>\n" + kBadPassword);
}

TEST(Pop3Front, T76_NamesAndPasswordsAreOctets) {
  FrontRun run;
  for (std::string text :
       {"j\xf6rg", "\x83\x41\x83\x5c", "\xd0\xc1\xd7\xc5\xcc", "b\xffob", "\xc3", " blanks ", "a\tb\x1b\x7f"}) {
    EXPECT_EQ(story(run, "USER " + text + "\r\nPASS " + text + "\r\n"),
              "+OK\r\n<USER " + text + " with " + text + ">\n+OK Logged in.\r\n");
    EXPECT_EQ(story(run, "AUTH PLAIN " + plain("", text, text) + "\r\n"),
              "<PLAIN " + text + " with " + text + ">\n+OK Logged in.\r\n");
  }
}

TEST(Pop3Front, OneBudgetOfAttempts_UnavailableIsNoFailure) {
  FrontRun run;
  run.refusals.assign(limits::kAuthFailuresMax * 3, {Refusal::Kind::unavailable, ""});
  std::string input;
  for (int i = 0; i < limits::kAuthFailuresMax * 3; ++i) input += "USER bob\r\nPASS x\r\n";
  EXPECT_TRUE(run(input + "NOOP\r\n").ends_with("try again later.\r\n+OK\r\n"));
}

TEST(Pop3Front, A12_AnEndlessLineIsCutOff) {
  FrontRun run;
  std::string piece(4096, 'A');
  Chunks chunks(40, piece);
  EXPECT_EQ(run(chunks).substr(sizeof(kGreeting) - 1, 61),
            "-ERR Line too long.\r\n-ERR Line far too long.\r\n<hang_up>\n{AAAA");
}

TEST(Pop3Front, A20_AnotherProtocolGetsTenAnswersAndNoEcho) {
  FrontRun run;
  std::string http = "GET /secret-canary HTTP/1.1\r\nHost: mail.example\r\n";
  for (int i = 0; i < 20; ++i) http += "X-Header: canary\r\n";
  std::string said = story(run, http);
  EXPECT_NE(said.find("<hang_up>"), std::string::npos);
  EXPECT_EQ(said.substr(0, said.find('{')).find("canary"), std::string::npos);
}

TEST(Pop3Front, EndlessNoopsAreNoLogin) {
  FrontRun run;
  std::string noops;
  for (unsigned i = 0; i <= limits::kCommandsBeforeLoginMax; ++i) noops += "NOOP\r\n";
  EXPECT_TRUE(run(noops).ends_with("+OK\r\n-ERR Too many commands without login.\r\n<hang_up>\n"));
}

TEST(Pop3Front, FiveFailuresAreEnough) {
  FrontRun run;
  run.refusals.assign(limits::kAuthFailuresMax, kRefused);
  std::string said;
  std::string input;
  for (int i = 0; i < limits::kAuthFailuresMax; ++i) {
    input += "USER bob\r\nPASS x\r\n";
    said += "+OK\r\n<USER bob with x>\n" + std::string(kBadPassword);
  }
  EXPECT_EQ(story(run, input + "NOOP\r\n"), said + "{NOOP\r\n}");
}

TEST(Pop3Front, A2_A11_T8_NoLineEndGetsThrough) {
  for (char bad : {'\0', '\r', '\n'}) {
    SCOPED_TRACE(int{bad});
    FrontRun run;
    std::string text = "a"s + bad + "b";
    std::vector<std::string> attempts = {
        "AUTH PLAIN " + plain(text, "bob", "pw"),    "AUTH PLAIN " + plain("", text, "pw"),
        "AUTH PLAIN " + plain("", "bob", text),      "AUTH LOGIN " + base64_encode(text) + "\r\nYg==",
        "AUTH LOGIN Ym9i\r\n" + base64_encode(text),
    };
    if (bad != '\n') {
      attempts.push_back("USER " + text + "\r\nPASS x");
      attempts.push_back("USER bob\r\nPASS " + text);
    }
    for (const std::string& attempt : attempts) {
      std::string told = run(attempt + "\r\n");
      EXPECT_EQ(told.find(" with "), std::string::npos) << attempt;
      bool refused = told.find(" impossible>") != std::string::npos || told.find("-ERR") != std::string::npos;
      EXPECT_TRUE(refused) << attempt;
    }
  }
}

TEST(Pop3Front, RefusalsHaveTheirCodes) {
  const std::vector<std::pair<Refusal, std::string>> table = {
      {{Refusal::Kind::bad_credentials, ""}, "-ERR [AUTH] Authentication failed.\r\n"},
      {{Refusal::Kind::authorization_failed, ""}, "-ERR [AUTH] Authorization failed.\r\n"},
      {{Refusal::Kind::unavailable, ""}, "-ERR [SYS/TEMP] Temporary failure, try again later.\r\n"},
      {{Refusal::Kind::server_bug, ""}, "-ERR Internal error.\r\n"},
      {{Refusal::Kind::too_many, ""}, "-ERR [IN-USE] Too many connections.\r\n"},
      {{Refusal::Kind::relayed, "SYS/PERM"},
       "-ERR [SYS/PERM] The mailbox cannot be opened, contact the administrator.\r\n"},
      {{Refusal::Kind::relayed, "IN-USE"}, "-ERR [IN-USE] The mailbox is in use, try again later.\r\n"},
      {{Refusal::Kind::relayed, "LOGIN-DELAY"},
       "-ERR [LOGIN-DELAY] Too soon after the last login, try again later.\r\n"},
      {{Refusal::Kind::relayed, "A]B"}, "-ERR [AUTH] Authentication failed.\r\n"},
  };
  for (const auto& [refusal, expected] : table) {
    FrontRun run;
    run.refusals = {refusal};
    EXPECT_EQ(run("USER bob\r\nPASS x\r\n").substr(sizeof(kGreeting) - 1), "+OK\r\n<USER bob with x>\n" + expected);
  }
}

TEST(Pop3Front, A16_NothingOfOneAttemptSurvivesIt) {
  FrontRun run;
  run.policy.capabilities = run.capabilities;
  auto front = make_front(run.policy, true, run.facts);
  Out out;
  front->feed("AUTH PLAIN " + plain("ann", "bob", "canary") + "\r\n", out);
  ASSERT_TRUE(front->credentials().password.equals("canary"));
  front->refuse(kRefused, out);
  EXPECT_TRUE(front->credentials().password.empty());
  EXPECT_EQ(front->credentials().user + front->credentials().authzid, "");
  EXPECT_EQ(out.view().find("canary"), Bytes::npos) << "A33";
}

TEST(Pop3Front, T63_A4_OnlyAProxyMaySayXclient) {
  FrontRun run;
  run.policy.capabilities = run.capabilities;
  Out out;
  auto of_client = make_front(run.policy, true, run.facts);
  of_client->feed("XCLIENT TTL=1\r\n", out);
  EXPECT_EQ(out.view(), "-ERR Unknown command.\r\n");
  EXPECT_FALSE(of_client->hops_left());
  run.policy.peer_is_proxy = true;
  auto front = make_front(run.policy, true, run.facts);
  auto say = [&](const std::string& command) {
    out.clear();
    front->feed(command + "\r\n", out);
    return std::string(out.view());
  };
  out.clear();
  front->open(out);
  EXPECT_TRUE(out.view().starts_with("+OK [XCLIENT] ")) << out.view();
  EXPECT_EQ(say("XCLIENT ADDR=9.9.9.9 PORT=1 SESSION=x ttl=3 CLIENT-TRANSPORT=TLS FORWARD=dWlkPTA="),
            "+OK Updated\r\n");
  EXPECT_EQ(front->hops_left(), 3u);
  EXPECT_EQ(say("XCLIENT"), "+OK Updated\r\n");
  EXPECT_EQ(say("XCLIENT TTL=9"), "+OK Updated\r\n");
  for (std::string bad : {"TTL=", "TTL=x", "TTL=-1", "ADDR=::1 TTL=1x"}) {
    EXPECT_EQ(say("XCLIENT " + bad), "-ERR Invalid parameters.\r\n") << bad;
  }
  EXPECT_EQ(front->hops_left(), 3u) << "no hop comes back";
  front->tls_established();
  EXPECT_FALSE(front->hops_left()) << "T27";
}

TEST(Pop3Front, A4_WhoSpeaksForItsClientIsBelievedOnce) {
  FrontRun run;
  run.policy.capabilities = run.capabilities;
  run.policy.peer_is_proxy = true;
  auto balancer = make_front(run.policy, true, run.facts);
  Out out;
  balancer->feed("XCLIENT ADDR=192.0.2.7 FORWARD=dWlkPTA=\r\n", out);
  EXPECT_EQ(balancer->told(), nullptr);
  run.policy.peer_speaks = true;
  auto front = make_front(run.policy, true, run.facts);
  auto say = [&](const std::string& command) {
    out.clear();
    front->feed(command + "\r\n", out);
    return std::string(out.view());
  };
  EXPECT_EQ(front->told(), nullptr);
  for (std::string bad : {"ADDR=there", "PORT=x", "FORWARD=x", "ADDR=9.9.9.9 TTL=x"}) {
    EXPECT_EQ(say("XCLIENT " + bad), "-ERR Invalid parameters.\r\n") << bad;
  }
  EXPECT_EQ(front->told(), nullptr) << "all or nothing";
  EXPECT_EQ(say("XCLIENT addr=192.0.2.7 PORT=4711 NEW=x plain TTL=3 FORWARD=dWlkPTA="), "+OK Updated\r\n");
  EXPECT_EQ(say("XCLIENT ADDR=9.9.9.9 DESTNAME=forged.example FORWARD=dWlkPTE="), "+OK Updated\r\n");
  ASSERT_NE(front->told(), nullptr);
  EXPECT_EQ(front->told()->client_ip, "192.0.2.7");
  EXPECT_EQ(front->told()->client_port, 4711);
  EXPECT_EQ(front->told()->local_name, "") << "what comes behind may be a client's";
  EXPECT_EQ(front->told()->forward, (std::vector<ForwardField>{{"uid", "0"}}));
  front->tls_established();
  EXPECT_EQ(front->told(), nullptr) << "T27";
}

TEST(Pop3Front, XclientMayBeLongFromAProxy) {
  FrontRun run;
  run.policy.capabilities = run.capabilities;
  std::string field = "FORWARD=" + base64_encode("a=" + std::string(1000, 'v'));
  for (bool proxy : {false, true}) {
    run.policy.peer_is_proxy = run.policy.peer_speaks = proxy;
    auto front = make_front(run.policy, true, run.facts);
    Out out;
    front->feed("XCLIENT " + field + "\r\n", out);
    EXPECT_EQ(out.view(), proxy ? "+OK Updated\r\n" : "-ERR Line too long.\r\n");
  }
}

TEST(Pop3Front, FarewellsAndStates) {
  FrontRun run;
  run.policy.capabilities = run.capabilities;
  const std::pair<Farewell, std::string> table[] = {
      {Farewell::idle_too_long, "-ERR Disconnected for inactivity.\r\n"},
      {Farewell::shutting_down, "-ERR [SYS/TEMP] Server shutting down.\r\n"},
      {Farewell::too_many_connections, "-ERR [SYS/TEMP] Too many connections.\r\n"},
      {Farewell::internal_error, "-ERR [SYS/TEMP] Internal error.\r\n"},
  };
  for (const auto& [why, text] : table) {
    auto front = make_front(run.policy, true, run.facts);
    Out out;
    EXPECT_EQ(front->state_name(), "authorization");
    front->feed("USER bob\r\n", out);
    EXPECT_EQ(front->state_name(), "user-given");
    EXPECT_EQ(front->commands(), 1U);
    out.clear();
    front->farewell(why, out);
    EXPECT_EQ(out.view(), text);
    EXPECT_EQ(front->state_name(), "over");
    EXPECT_EQ(front->feed("NOOP\r\n", out).event, Event::hang_up);
  }
}

}  // namespace
}  // namespace postigo::pop3
