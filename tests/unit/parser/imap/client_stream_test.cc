// The relay filter towards the backend: what passes as it came, what passes as something else, and what waits; at
// several chunk sizes, because none of it may depend on them.
#include <gtest/gtest.h>

#include <utility>

#include "parser/base/limits.h"
#include "tests/unit/parser/imap/relay.h"

namespace postigo::imap {
namespace {

using namespace std::string_literals;

class ClientStream : public testing::TestWithParam<size_t> {
 protected:
  Relay relay(CapabilityPolicy policy = {}) { return Relay(std::move(policy), GetParam()); }
  Relay with_literal_plus() { return Relay({}, GetParam(), {"IMAP4REV1", "LITERAL+"}); }
  // What passes from the client while the backend says nothing.
  std::string forwarded(const std::string& from_client) {
    Relay r({}, GetParam());
    r.client(from_client);
    EXPECT_FALSE(r.broken);
    return r.to_backend;
  }
};

INSTANTIATE_TEST_SUITE_P(Chunks, ClientStream, testing::Values(1, 2, 3, 5, 7, 16, 4096, SIZE_MAX),
                         [](const auto& chunk) {
                           return chunk.param == SIZE_MAX ? "whole" : std::to_string(chunk.param);
                         });

// --- lines ----------------------------------------------------------------------------------------------------------

TEST_P(ClientStream, CommandsAreCountedByVerb) {
  Relay r = relay();
  std::string commands =
      "a NOOP\r\nb noop\r\nc UID FETCH 1:* FLAGS\r\nd FETCH 1 FLAGS\r\ne Select INBOX\r\nf XYZZY\r\ng UID\r\n"
      "h UID  search ALL\r\ni VERYVERYVERYLONGCOMMANDNAME x\r\nj LOGOUT\r\n";
  r.client(commands);
  EXPECT_EQ(r.to_backend, commands);
  EXPECT_EQ(r.count("NOOP"), 2u);
  EXPECT_EQ(r.count("FETCH"), 2u);
  EXPECT_EQ(r.count("SELECT"), 1u);
  EXPECT_EQ(r.count("SEARCH"), 1u);
  EXPECT_EQ(r.count("LOGOUT"), 1u);
  EXPECT_EQ(r.count("OTHER"), 3u);
  EXPECT_EQ(r.filter().commands(), 10u);
  EXPECT_TRUE(r.filter().said_quit());
}

// Dovecot 2.3 runs a line at its bare CR: until its LF is here, nothing of it may be there.
TEST_P(ClientStream, T68_ALinePassesWholeOrNotAtAll) {
  for (const char* line : {"a NOOP\r", "a NOOP", "a", "a SELECT x", "DONE\r"}) {
    Relay r = relay();
    r.client(line);
    EXPECT_EQ(r.to_backend, "") << line;
    r.client("\n");
    EXPECT_TRUE(r.to_backend.ends_with("\r\n"));
  }
}

TEST_P(ClientStream, T13_ABareLineFeedBecomesCrLf) {
  EXPECT_EQ(forwarded("a NOOP\nb NOOP\r\nDONE\n\n"), "a NOOP\r\nb NOOP\r\nDONE\r\n\r\n");
}

TEST_P(ClientStream, WhatIsNoCommandIsTheBackendsToAnswer) {
  EXPECT_EQ(forwarded("foo\r\n\r\nDONE\r\nb NOOP\r\n"), "foo\r\n\r\nDONE\r\nb NOOP\r\n");
}

TEST_P(ClientStream, LinesThatAreTooLong) {
  if (GetParam() < 64) return;  // the harness copies what it offers, octet by octet
  std::string longest = "a FETCH " + std::string(limits::kRelayLineMax - 11, '1') + "\r\n";
  for (std::string end : {"\r\nb NOOP\r\n", " {5+}\r\nhello\r\nb NOOP\r\n"}) {
    std::string longer = "a FETCH " + std::string(limits::kRelayLineMax, '1') + end;
    EXPECT_EQ(forwarded(longest + longer), longest + "a X\r\nb NOOP\r\n");
  }
  EXPECT_EQ(forwarded(std::string(limits::kRelayLineMax + 1, 'a') + " NOOP\r\nb NOOP\r\n"), "* X\r\nb NOOP\r\n");
}

// --- what must not arrive -------------------------------------------------------------------------------------------

TEST_P(ClientStream, T41_ForbiddenVerbsBecomeUnknownOnes) {
  for (const char* command : {"UNAUTHENTICATE", "LOGIN bob secret", "authenticate PLAIN AGEAYg==", "STARTTLS",
                              "COMPRESS DEFLATE", "  UNAUTHENTICATE", "UID LOGIN x y", "LOGIN {3}"}) {
    EXPECT_EQ(forwarded("a "s + command + "\r\nb NOOP\n"), "a X\r\nb NOOP\r\n") << command;
  }
  EXPECT_EQ(forwarded("a LOGIN"), "") << "undecided";
  EXPECT_EQ(forwarded("a LOGINS x\r\n"), "a LOGINS x\r\n");
  EXPECT_EQ(forwarded("LOGIN NOOP\r\n"), "LOGIN NOOP\r\n") << "a tag";
}

TEST_P(ClientStream, T41_LiteralsOfForbiddenCommandsNeverArrive) {
  EXPECT_EQ(forwarded("a LOGIN {3+}\r\nbob {8+}\r\nx NOOP\r\n extra\r\nb NOOP\r\n"), "a X\r\nb NOOP\r\n");
  Relay sync = relay();
  sync.client("a LOGIN {3}\r\n");
  sync.backend("a BAD Unknown command\r\n");
  sync.client("b NOOP\r\n");
  EXPECT_EQ(sync.to_backend, "a X\r\nb NOOP\r\n");
}

// What one server takes for one command and another one for two.
TEST_P(ClientStream, A34_LinesThatReadInTwoWaysDoNotPass) {
  for (std::string line : {"a APPEND INBOX \"b UNAUTHENTICATE"s,
                           "a APPEND INBOX (b UNAUTHENTICATE"s,
                           "a APPEND INBOX )b UNAUTHENTICATE"s,
                           "a APPEND INBOX \xfc UNAUTHENTICATE"s,
                           "a append INBOX b* UNAUTHENTICATE"s,
                           "a APPEND \"x\"UNAUTHENTICATE"s,
                           "a APPEND INBOX () (x)b UNAUTHENTICATE"s,
                           "a NOOP\rb UNAUTHENTICATE"s,
                           "a NOOP\tx"s,
                           "a\tb NOOP"s,
                           "a NOOP \0 x"s,
                           "a LOGIN\0 x y"s,
                           "a LOGIN(x"s,
                           "a LOGIN\"x\" y"s,
                           "a \tUNAUTHENTICATE"s,
                           "a IDLE {400}"s,
                           "a IDLE x"s,
                           "a SEARCH \"x"s,
                           "a SEARCH x\"y"s,
                           "a SEARCH \"x\"y"s,
                           "a SEARCH \"x\\\""s,
                           "a FETCH 1 {3} x"s,
                           "a FETCH 1 x{3}"s,
                           "a FETCH 1 {3}}"s,
                           "a FETCH 1 {3-}"s,
                           "a FETCH 1 {+}"s,
                           "a FETCH 1 {"s,
                           "a APPEND INBOX {2147483648}"s,
                           "a APPEND INBOX {18446744073709551621}"s,
                           "a APPEND INBOX {" + std::string(61, '0') + "5}",
                           "a APPEND INBOX {" + std::string(80, '1') + "+}",
                           "a SETMETADATA \"\" (/private/x \"b UNAUTHENTICATE"s,
                           "a APPEND INBOX ~{3-}"s}) {
    std::string passed = forwarded(line + "\r\nz NOOP\r\n");
    bool no_tag = line.starts_with("a\t");
    EXPECT_EQ(passed, (no_tag ? "* X\r\n"s : "a X\r\n"s) + "z NOOP\r\n") << testing::PrintToString(line);
  }
}

// Cyrus takes "+" for a tag, and its answer "+ NO" would be a go-ahead.
TEST_P(ClientStream, A34_WhatIsNoTagIsAnsweredWithoutOne) {
  for (std::string line : {"+ APPEND nosuch {200}"s, "+a NOOP"s, "a+b NOOP"s, "* NOOP"s, "{3} NOOP"s, "a\"b NOOP"s,
                           " a UNAUTHENTICATE"s, "\t LOGIN x y"s, "a\\ NOOP"s, "\xff NOOP"s, "(a) NOOP"s, "a\0b NOOP"s,
                           std::string(limits::kTagMax + 1, 'a') + " NOOP"}) {
    EXPECT_EQ(forwarded(line + "\r\nz NOOP\r\n"), "* X\r\nz NOOP\r\n") << testing::PrintToString(line);
  }
}

TEST_P(ClientStream, T9_LegalTagsPass) {
  for (std::string tag : {"a]b"s, "#:1"s, "A0001"s, "}"s, std::string(limits::kTagMax, 'a')}) {
    EXPECT_EQ(forwarded(tag + " NOOP\r\n"), tag + " NOOP\r\n");
  }
}

TEST_P(ClientStream, LegalArgumentsPass) {
  for (std::string line :
       {"a LIST \"\" *", "a LIST \"\" INBOX.%", "a SEARCH SUBJECT \"{5+}\"", "a SEARCH SUBJECT \"a\\\"b\\\\\"",
        "a FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (From To)]<0.10>)", "a ID (\"name\" \"x\" \"v\" NIL)", "a ID NIL",
        "a STORE 1 +FLAGS.SILENT (\\Seen $Junk)", "a SELECT \"x\" (CONDSTORE)",
        "a SEARCH CHARSET UTF-8 TEXT \"\xc3\xbc\"", "a SELECT Entw\xfcrfe", "a SEARCH TEXT \"tab\there\"",
        "a GETMETADATA (DEPTH 1) \"\" (/private /shared)", "a  NOOP ", "a SEARCH RETURN (MIN) OR (FROM x) (NOT TO y)",
        "a LIST (SUBSCRIBED) \"\" (\"a\" \"b\") RETURN (CHILDREN)"}) {
    EXPECT_EQ(forwarded(line + "\r\n"), line + "\r\n");
  }
}

// --- literals -------------------------------------------------------------------------------------------------------

TEST_P(ClientStream, SyncLiteralGranted) {
  Relay r = relay();
  r.client("a APPEND INBOX {27}\r\n");
  EXPECT_EQ(r.take_to_backend(), "PSTG1 APPEND INBOX {27}\r\n");
  r.backend("* 3 EXISTS\r\n+ OK\r\n");
  EXPECT_EQ(r.take_to_client(), "* 3 EXISTS\r\n+ OK\r\n");
  r.client("b LOGIN x y\r\nc LOGOUT {3}\r\n {2}\r\n");
  EXPECT_EQ(r.take_to_backend(), "b LOGIN x y\r\nc LOGOUT {3}\r\n {2}\r\n");
  r.backend("+ OK\r\n");
  r.client("\r\n\r\nd NOOP\r\n");
  EXPECT_EQ(r.take_to_backend(), "\r\n\r\nd NOOP\r\n");
  r.backend("PSTG1 OK done\r\nd OK\r\n");
  EXPECT_EQ(r.take_to_client(), "+ OK\r\na OK done\r\nd OK\r\n");
  EXPECT_EQ(r.count("APPEND"), 1u);
  EXPECT_EQ(r.count("NOOP"), 1u);
  EXPECT_EQ(r.filter().commands(), 2u);
}

TEST_P(ClientStream, SyncLiteralRefused) {
  Relay r = relay();
  r.client("a APPEND INBOX {10}\r\n");
  r.backend("PSTG1 NO [TOOBIG] no\r\n");
  r.client("b LOGIN x y\r\n");
  EXPECT_EQ(r.to_backend, "PSTG1 APPEND INBOX {10}\r\nb X\r\n") << "a command again";
  EXPECT_EQ(r.to_client, "a NO [TOOBIG] no\r\n");
}

// Dovecot keeps the answer of NOOP back until the line behind it is complete: so it is, at once.
TEST_P(ClientStream, T69_ALiteralDoesNotWaitForEarlierAnswers) {
  Relay r = relay();
  r.client("a NOOP\r\na NOOP\na STATUS {5+}\nINBOX (MESSAGES)\r\n");
  EXPECT_EQ(r.take_to_backend(), "a NOOP\r\na NOOP\r\nPSTG1 STATUS {5}\r\n");
  r.backend("a OK one\r\n");
  EXPECT_EQ(r.take_to_backend(), "") << "an older answer under the same tag is no refusal";
  r.backend("a OK two\r\n+ go\r\n");
  EXPECT_EQ(r.take_to_backend(), "INBOX (MESSAGES)\r\n");
  EXPECT_EQ(r.take_to_client(), "a OK one\r\na OK two\r\n");
}

TEST_P(ClientStream, ANonSyncLiteralIsConfirmedByTheBackend) {
  Relay r = relay();
  r.client("a APPEND INBOX (\\Seen) {5+}\r\nhello\r\nb NOOP\r\n");
  EXPECT_EQ(r.take_to_backend(), "PSTG1 APPEND INBOX (\\Seen) {5}\r\n");
  r.backend("* 1 EXISTS\r\n+ OK\r\n* 2 EXISTS\r\n");
  EXPECT_EQ(r.take_to_client(), "* 1 EXISTS\r\n* 2 EXISTS\r\n") << "the client did not ask for a +";
  EXPECT_EQ(r.take_to_backend(), "hello\r\nb NOOP\r\n");
  r.backend("PSTG1 OK\r\nb OK\r\n");
  EXPECT_EQ(r.take_to_client(), "a OK\r\nb OK\r\n");
}

TEST_P(ClientStream, T2_ANonSyncLiteralRefusedIsSwallowed) {
  Relay r = relay();
  r.client("a APPEND INBOX {21+}\r\nx UNAUTHENTICATE\r\nab\n {3+}\r\n\r\n. \r\nb NOOP\r\n");
  EXPECT_EQ(r.take_to_backend(), "PSTG1 APPEND INBOX {21}\r\n");
  r.backend("PSTG1 NO [OVERQUOTA] full\r\n");
  EXPECT_EQ(r.take_to_backend(), "b NOOP\r\n");
  EXPECT_EQ(r.take_to_client(), "a NO [OVERQUOTA] full\r\n");
}

TEST_P(ClientStream, AHarmlessCommandPassesWithItsLiterals) {
  for (std::string command :
       {"a APPEND INBOX {12+}\r\nSubject: x\r\n\r\n", "a STATUS {5+}\r\nINBOX (MESSAGES)\r\n", "a SELECT {0+}\r\n\r\n",
        "a FETCH 1 BODY[HEADER.FIELDS ({4+}\r\nFrom)]\r\n", "a APPEND INBOX ~{3+}\r\nabc\r\n"}) {
    Relay r = with_literal_plus();
    r.client(command + "b NOOP\r\n");
    EXPECT_EQ(r.take_to_backend(), command + "b NOOP\r\n");
  }
}

// As a command of its own it would be: forbidden, a question, no line that servers agree about.
TEST_P(ClientStream, A34_ACommandThatCouldDoHarmIsConfirmed) {
  for (std::string data :
       {"b UNAUTHENTICATE\r\n", "x\r\nb LOGIN a b\r\n", "b IDLE\r\n", "b APPEND INBOX {5}\r\n", "x \"y\r\n", "+ NO\r\n",
        "x\ry\r\n", "b COMPRESS DEFLATE\r\n", "PSTG2 NOOP\r\n", "PSTG2\r\n", "b APPEND INBOX {5+}\r\n"}) {
    Relay r = with_literal_plus();
    r.client("a APPEND INBOX {" + std::to_string(data.size()) + "+}\r\n" + data + "\r\n");
    EXPECT_EQ(r.take_to_backend(), "PSTG1 APPEND INBOX {" + std::to_string(data.size()) + "}\r\n");
    r.backend("+\r\n");
    EXPECT_EQ(r.take_to_backend(), data + "\r\n");
  }
  Relay split = with_literal_plus();
  split.client("a XFOO {1+}\r\nb UNAUTHENTICATE\r\n");
  EXPECT_EQ(split.to_backend, "PSTG1 XFOO {1}\r\n");
}

TEST_P(ClientStream, ALongOrSlowLiteralIsAskedFor) {
  Relay r = with_literal_plus();
  r.client("a APPEND INBOX {5000+}\r\n");
  EXPECT_EQ(r.take_to_backend(), "PSTG1 APPEND INBOX {5000}\r\n");
  Relay slow = with_literal_plus();
  slow.client("a APPEND missing {5+}\r\nhel");
  EXPECT_EQ(slow.take_to_backend(), "");
  EXPECT_GT(slow.filter().patience_ms(), 0u);
  slow.give_up();
  EXPECT_EQ(slow.take_to_backend(), "PSTG1 APPEND missing {5}\r\n");
  slow.backend("PSTG1 NO [TRYCREATE] no\r\n");
  slow.client("lo\r\nb NOOP\r\n");
  EXPECT_EQ(slow.take_to_backend(), "b NOOP\r\n");
}

TEST_P(ClientStream, ALiteralIsFollowedByWhatMayFollowIt) {
  for (std::string rest : {"x", "\"b UNAUTHENTICATE", " \"b COMPRESS DEFLATE", "b UNAUTHENTICATE", " (", " {3} x"}) {
    Relay r = relay();
    r.client("a APPEND INBOX {3}\r\n");
    r.backend("+\r\n");
    r.client("foo" + rest + "\r\nb NOOP\r\n");
    EXPECT_EQ(r.to_backend, "PSTG1 APPEND INBOX {3}\r\nfoo X\r\nb NOOP\r\n") << rest;
  }
}

// Whose parser begins anew behind a literal takes the list's end for an error.
TEST_P(ClientStream, A34_NothingFollowsAListThatBeganBeforeALiteral) {
  for (auto [rest, passes] : {std::pair(")", true),
                              {"))", false},
                              {" TEXT x)", true},
                              {") b UNAUTHENTICATE", false},
                              {") (x)", false},
                              {") \"b UNAUTHENTICATE\"", false},
                              {") {3}", false}}) {
    Relay r = relay();
    r.client("a APPEND INBOX CATENATE (TEXT {3}\r\n");
    r.backend("+\r\n");
    r.client("foo"s + rest + "\r\n");
    EXPECT_EQ(r.to_backend, "PSTG1 APPEND INBOX CATENATE (TEXT {3}\r\nfoo"s + (passes ? rest : " X") + "\r\n");
  }
}

TEST_P(ClientStream, ZeroLiterals) {
  Relay r = relay();
  r.client("a SELECT {0+}\r\n\r\nb LOGIN {0+}\r\n {0}\r\n");
  r.backend("+\r\n");
  EXPECT_EQ(r.to_backend, "PSTG1 SELECT {0}\r\n\r\nb X\r\n");
}

// Its answer came between two literals: nobody knows whether the backend still reads the second one.
TEST_P(ClientStream, ASecondLiteralBehindTheAnswerGoesNowhere) {
  Relay r = relay();
  r.client("a APPEND INBOX {3}\r\n");
  r.backend("+ go\r\nPSTG1 NO changed my mind\r\n");
  r.client("xyz {3+}\r\nabc\r\nb NOOP\r\n");
  EXPECT_EQ(r.to_backend, "PSTG1 APPEND INBOX {3}\r\nxyz\r\nb NOOP\r\n");
}

TEST_P(ClientStream, AnAnswerDuringTheLiteralIsFine) {
  Relay r = relay();
  r.client("a APPEND INBOX {3}\r\n");
  r.backend("+ go\r\nPSTG1 NO changed my mind\r\n");
  r.client("xyz\r\nb APPEND INBOX {2}\r\n");
  EXPECT_EQ(r.to_backend, "PSTG1 APPEND INBOX {3}\r\nxyz\r\nPSTG2 APPEND INBOX {2}\r\n");
}

// --- IDLE -----------------------------------------------------------------------------------------------------------

TEST_P(ClientStream, T61_IdleAndDone) {
  Relay r = relay();
  r.client("a IDLE\r\n");
  r.backend("+ idling\r\n* 5 EXISTS\r\n");
  r.client("done\r\nb NOOP\r\nc IDLE\r\n");
  EXPECT_EQ(r.take_to_backend(), "PSTG1 IDLE\r\ndone\r\nb NOOP\r\nPSTG2 IDLE\r\n");
  r.backend("PSTG1 OK\r\nb OK\r\n+ idling\r\n");
  EXPECT_EQ(r.take_to_client(), "+ idling\r\n* 5 EXISTS\r\na OK\r\nb OK\r\n+ idling\r\n");
}

// In one packet, as iOS does it. Cyrus and Courier do not look at what came along with IDLE.
TEST_P(ClientStream, T68_NothingPassesBehindIdleBeforeItsWord) {
  Relay r = relay();
  r.client("a NOOP\r\nb SELECT INBOX\r\nc IDLE\r\nDONE\r\nd STATUS x (MESSAGES)\r\ne IDLE\r\n");
  EXPECT_EQ(r.take_to_backend(), "a NOOP\r\nb SELECT INBOX\r\nPSTG1 IDLE\r\n");
  r.backend("a OK\r\nb OK\r\n");
  EXPECT_EQ(r.take_to_backend(), "");
  r.backend("+ idling\r\n");
  EXPECT_EQ(r.take_to_backend(), "DONE\r\nd STATUS x (MESSAGES)\r\nPSTG2 IDLE\r\n");
  r.backend("PSTG1 OK\r\nd OK\r\n+ idling\r\n");
  EXPECT_EQ(r.take_to_client(), "a OK\r\nb OK\r\n+ idling\r\nc OK\r\nd OK\r\n+ idling\r\n");
}

TEST_P(ClientStream, IdleRefusedThenDone) {
  Relay r = relay();
  r.client("a IDLE\r\nDONE\r\nb NOOP\r\nc APPEND x {1}\r\n");
  EXPECT_EQ(r.take_to_backend(), "PSTG1 IDLE\r\n");
  r.backend("PSTG1 NO not now\r\n");
  EXPECT_EQ(r.take_to_backend(), "DONE\r\nb NOOP\r\nPSTG2 APPEND x {1}\r\n");
}

TEST_P(ClientStream, NoQuestionIsAskedInIdle) {
  Relay r = relay();
  r.client("a IDLE\r\n");
  r.backend("+ idling\r\n");
  r.client("b APPEND INBOX {5}\r\nc NOOP\r\nd IDLE\r\n");
  EXPECT_EQ(r.take_to_backend(), "PSTG1 IDLE\r\nPSTG2 X\r\nPSTG3 NOOP\r\n");
  r.backend("PSTG1 BAD Expected DONE\r\nPSTG3 OK\r\n");
  EXPECT_EQ(r.take_to_backend(), "PSTG4 IDLE\r\n");
  EXPECT_EQ(r.take_to_client(), "+ idling\r\na BAD Expected DONE\r\nc OK\r\n");
}

TEST_P(ClientStream, T71_OnlyItsOwnAnswerEndsIdle) {
  for (const char* noise : {"x OK stale\r\n", "a OK forged\r\n", "PSTG1 + idling\r\n", "without a star\r\n",
                            "* NO x\r\n", "PSTG9 OK never asked\r\n"}) {
    Relay r = relay();
    r.client("a IDLE\r\n");
    r.backend("+ idling\r\n"s + noise);
    r.client("b APPEND x {3}\r\n");
    EXPECT_EQ(r.to_backend, "PSTG1 IDLE\r\nPSTG2 X\r\n") << noise;
  }
}

// --- a backend that forgets -----------------------------------------------------------------------------------------

TEST_P(ClientStream, T70_ALostAnswerStopsNobody) {
  Relay r = relay();
  r.client("a NOOP\r\nb IDLE\r\n");
  r.client("DONE\r\nc NOOP\r\nd APPEND x {3}\r\n");
  EXPECT_EQ(r.take_to_backend(), "a NOOP\r\nPSTG1 IDLE\r\n");
  EXPECT_LE(r.filter().patience_ms(), 2000u);
  r.give_up();
  EXPECT_EQ(r.take_to_backend(), "DONE\r\nPSTG2 NOOP\r\n");
  r.backend("PSTG2 OK\r\n");  // nothing of a and b
  EXPECT_EQ(r.take_to_backend(), "PSTG3 APPEND x {3}\r\n");
  r.backend("+\r\n");
  r.client("abc\r\n");
  r.backend("c OK\r\n");
  r.client("e IDLE\r\n");
  EXPECT_EQ(r.take_to_backend(), "abc\r\nPSTG4 IDLE\r\n");
}

// A refusal that only an untagged line tells, or nothing: a command of ours finds out what the backend reads.
TEST_P(ClientStream, T70_AClientThatSpeaksWithoutAWordIsHeardAfterAWhile) {
  Relay r = relay();
  r.client("a APPEND x {3}\r\n");
  r.backend("* NO not today\r\n");
  EXPECT_EQ(r.filter().patience_ms(), 0u) << "nobody waits";
  r.client("b STATUS x (MESSAGES)\r\nc APPEND x {3}\r\n");
  EXPECT_EQ(r.take_to_backend(), "PSTG1 APPEND x {3}\r\n");
  EXPECT_LE(r.filter().patience_ms(), 2000u);
  r.give_up();
  EXPECT_EQ(r.take_to_backend(), "PSTG2 NOOP\r\n");
  EXPECT_GE(r.filter().patience_ms(), 10'000u);
  r.backend("* 3 EXISTS\r\nPSTG2 OK NOOP completed {3}\r\n");
  EXPECT_EQ(r.take_to_backend(), "b STATUS x (MESSAGES)\r\nPSTG3 APPEND x {3}\r\n");
  EXPECT_EQ(r.take_to_client(), "* NO not today\r\n* 3 EXISTS\r\n") << "not what it did not ask for";
}

TEST_P(ClientStream, T70_ASlowLiteralThatNobodyWaitsForIsSwallowedThen) {
  Relay r = relay();
  r.client("a APPEND x {3+}\r\nabc\r\nb NOOP\r\n");
  EXPECT_GE(r.filter().patience_ms(), 10'000u) << "a slow backend is no dead one";
  r.give_up();
  r.backend("PSTG2 BAD what\r\n");
  EXPECT_EQ(r.to_backend, "PSTG1 APPEND x {3}\r\nPSTG2 NOOP\r\nb NOOP\r\n");
}

// Time proves nothing: a backend that is only slow would read what passed meanwhile as the literal and its command's
// rest, and Dovecot runs the rest of a line behind an error as a new command.
TEST_P(ClientStream, A34_NothingOfTheClientPassesInDoubt) {
  for (const char* line : {"b NOOP\r\n", "PSTG1 X \xfc LOGIN\r\n", "b UNAUTHENTICATE\r\n"}) {
    Relay r = relay();
    r.client("a APPEND x {3}\r\n"s + line);
    r.give_up();
    EXPECT_EQ(r.to_backend, "PSTG1 APPEND x {3}\r\nPSTG2 NOOP\r\n");
    r.backend("+ at last\r\n");
    r.client("c NOOP\r\n");
    EXPECT_TRUE(r.broken) << "our command was a part of the literal";
    EXPECT_EQ(r.to_backend, "PSTG1 APPEND x {3}\r\nPSTG2 NOOP\r\n");
  }
}

TEST_P(ClientStream, AQuestionThatNobodyAnswersEndsTheSession) {
  Relay r = relay();
  r.client("a IDLE\r\nb IDLE\r\n");
  r.give_up();
  EXPECT_EQ(r.to_backend, "PSTG1 IDLE\r\n");
  EXPECT_GE(r.filter().patience_ms(), 10'000u) << "a slow backend is no dead one";
  r.give_up();
  EXPECT_EQ(r.to_backend, "PSTG1 IDLE\r\nPSTG2 NOOP\r\n");
  r.give_up();
  EXPECT_TRUE(r.broken);
}

TEST_P(ClientStream, UnexpectedContinuationsAreRelayed) {
  Relay r = relay();
  r.backend("+ hello\r\n");
  r.client("a NOOP\r\n");
  r.backend("+ again\r\na OK\r\n");
  EXPECT_EQ(r.to_client, "+ hello\r\n+ again\r\na OK\r\n");
}

// --- aliases --------------------------------------------------------------------------------------------------------

TEST_P(ClientStream, ATagThatLooksLikeOursIsReplaced) {
  Relay r = relay();
  r.client("PSTG1 NOOP\r\nPSTG UNAUTHENTICATE\r\nPSTG9\r\nPSTGx APPEND x {1}\r\n");
  EXPECT_EQ(r.take_to_backend(), "PSTG1 NOOP\r\nPSTG2 X\r\nPSTG3\r\nPSTG4 APPEND x {1}\r\n");
  r.backend("PSTG1 OK\r\nPSTG2 BAD\r\nPSTG3 BAD\r\nPSTG4 NO [TRYCREATE] x\r\nPSTG2 OK twice\r\n");
  EXPECT_EQ(r.take_to_client(), "PSTG1 OK\r\nPSTG BAD\r\nPSTG9 BAD\r\nPSTGx NO [TRYCREATE] x\r\nPSTG2 OK twice\r\n");
}

// --- COMPRESS -------------------------------------------------------------------------------------------------------

TEST_P(ClientStream, T40_CompressStepsAside) {
  Relay r = relay(policy_of({}, {}, true));
  r.client("a COMPRESS DEFLATE\r\n\x01\x02 LOGIN\r\n");
  EXPECT_EQ(r.take_to_backend(), "PSTG1 COMPRESS DEFLATE\r\n");
  r.backend("* 1 EXISTS\r\nPSTG1 OK active\r\n* CAPABILITY STARTTLS\r\n+ \r\n{3}\r\n");
  EXPECT_EQ(r.take_to_client(), "* 1 EXISTS\r\na OK active\r\n* CAPABILITY STARTTLS\r\n+ \r\n{3}\r\n");
  EXPECT_TRUE(r.filter().transparent());
  EXPECT_FALSE(r.filter().at_line_start());
  EXPECT_EQ(r.take_to_backend(), "\x01\x02 LOGIN\r\n");
}

TEST_P(ClientStream, T40_CompressRefused) {
  Relay r = relay(policy_of({}, {}, true));
  r.client("a COMPRESS DEFLATE\r\nb LOGIN x y\r\n");
  r.backend("PSTG1 NO [COMPRESSIONACTIVE] no\r\n* CAPABILITY STARTTLS\r\n");
  EXPECT_FALSE(r.filter().transparent());
  EXPECT_EQ(r.to_backend, "PSTG1 COMPRESS DEFLATE\r\nb X\r\n");
  EXPECT_TRUE(r.to_client.ends_with("* CAPABILITY\r\n"));
}

}  // namespace
}  // namespace postigo::imap
