// The relay filter: capability lists and ID on their way to the client, literals, IDLE and forbidden verbs on their way
// to the backend; everything at several chunk sizes, because none of it may depend on them.
#include "parser/imap/filter.h"

#include <gtest/gtest.h>

#include "parser/base/limits.h"
#include "tests/unit/parser/imap/relay.h"

namespace postigo::imap {
namespace {

class Filter : public testing::TestWithParam<size_t> {
 protected:
  Relay relay(CapabilityPolicy policy = {}) { return Relay(std::move(policy), GetParam()); }
  std::string through(const std::string& from_backend, CapabilityPolicy policy = {}) {
    Relay r(std::move(policy), GetParam());
    r.backend(from_backend);
    EXPECT_FALSE(r.broken);
    return r.to_client;
  }
  // What passes from the client while the backend says nothing.
  std::string forwarded(const std::string& from_client, CapabilityPolicy policy = {}) {
    Relay r(std::move(policy), GetParam());
    r.client(from_client);
    EXPECT_FALSE(r.broken);
    return r.to_backend;
  }
};

INSTANTIATE_TEST_SUITE_P(Chunks, Filter, testing::Values(1, 2, 3, 5, 7, 16, 64, SIZE_MAX), [](const auto& chunk) {
  return chunk.param == SIZE_MAX ? "whole" : std::to_string(chunk.param);
});

// --- to the client --------------------------------------------------------------------------------------------------

TEST_P(Filter, T36_T37_ListsAreRewrittenWhereverTheyStand) {
  const std::string list = "IMAP4rev1 AUTH=PLAIN IDLE XUNKNOWN MOVE";
  EXPECT_EQ(through("* CAPABILITY " + list + "\r\n"), "* CAPABILITY IMAP4rev1 IDLE MOVE\r\n");
  EXPECT_EQ(through("* OK [CAPABILITY " + list + "] hi\r\n"), "* OK [CAPABILITY IMAP4rev1 IDLE MOVE] hi\r\n");
  for (const char* word : {"OK", "NO", "BAD"}) {
    std::string head = std::string("a1 ") + word + " [CAPABILITY ";
    EXPECT_EQ(through(head + list + "] t\r\n"), head + "IMAP4rev1 IDLE MOVE] t\r\n");
  }
  for (const char* word : {"NO", "BAD", "BYE", "PREAUTH"}) {
    std::string head = std::string("* ") + word + " [CAPABILITY ";
    EXPECT_EQ(through(head + list + "] t\r\n"), head + "IMAP4rev1 IDLE MOVE] t\r\n");
  }
}

TEST_P(Filter, EachRewrittenListIsCountedOnce) {
  Relay r = relay();
  r.backend("* CAPABILITY IDLE\r\n* OK [CAPABILITY IDLE MOVE] x\r\na1 OK [CAPABILITY IDLE] x\r\n");
  EXPECT_EQ(r.lists(), 3u);
  r.backend("* ID NIL\r\n* LIST () NIL CAPABILITY\r\n* 1 FETCH (BODY[] {14}\r\n* CAPABILITY X)\r\n");
  EXPECT_EQ(r.lists(), 3u);
}

TEST_P(Filter, ListsInAnyCaseAndOddSpacing) {
  EXPECT_EQ(through("* capability imap4REV1 Idle auth=plain\r\n"), "* capability imap4REV1 Idle\r\n");
  EXPECT_EQ(through("* CAPABILITY  IMAP4rev1  AUTH=X   IDLE  \r\n"), "* CAPABILITY IMAP4rev1 IDLE\r\n");
  EXPECT_EQ(through("* CAPABILITY IMAP4rev1 AUTH=X\n* 1 EXISTS\n"), "* CAPABILITY IMAP4rev1\n* 1 EXISTS\n");
  EXPECT_EQ(through("* CAPABILITY\r\n"), "* CAPABILITY\r\n");
  EXPECT_EQ(through("* OK  [CAPABILITY STARTTLS]\r\n"), "* OK  [CAPABILITY]\r\n");
  EXPECT_EQ(through("*  CAPABILITY STARTTLS IDLE\r\n"), "*  CAPABILITY IDLE\r\n");
  EXPECT_EQ(through("* CAPABILITY AUTH=PLAIN IDLE] x\r\n"), "* CAPABILITY\r\n") << "] is no end of an untagged list";
}

TEST_P(Filter, OnlyListsAreLists) {
  for (std::string line :
       {"* CAPABILITYX AUTH=PLAIN\r\n", "* OK [CAPABILITIES AUTH=PLAIN] x\r\n", "* OK text [CAPABILITY AUTH=PLAIN]\r\n",
        "* LIST () \"/\" \"CAPABILITY AUTH=PLAIN\"\r\n", "a1 OKAY [CAPABILITY AUTH=PLAIN]\r\n", "* SEARCH 1 2 3\r\n",
        "* OK [UIDNEXT 4] x\r\n", "+ CAPABILITY AUTH=PLAIN\r\n", "\r\n* 1 EXISTS\r\n", "a OK\r\n", "a\r\n", "*\r\n",
        "* \r\n", "\rx y\r\n", "* OK\r\n", "* OK [\r\n", "* OK []\r\n"}) {
    EXPECT_EQ(through(line), line);
  }
}

TEST_P(Filter, T39_T41_T42_NothingForbiddenPasses) {
  EXPECT_EQ(through("* CAPABILITY IMAP4rev1 IMAP4rev2 LOGINDISABLED STARTTLS SASL-IR UNAUTHENTICATE LOGIN-REFERRALS "
                    "MAILBOX-REFERRALS URLAUTH URLAUTH=BINARY COMPRESS=DEFLATE AUTH=OAUTHBEARER IDLE\r\n",
                    policy_of({}, {"STARTTLS", "AUTH=PLAIN"}, false)),
            "* CAPABILITY IMAP4rev1 IDLE\r\n");
}

TEST_P(Filter, T40_CompressPassesOnlyIfAllowed) {
  EXPECT_EQ(through("* CAPABILITY COMPRESS=DEFLATE COMPRESS=ZSTD IDLE\r\n", policy_of({}, {}, true)),
            "* CAPABILITY COMPRESS=DEFLATE IDLE\r\n");
}

TEST_P(Filter, HideAndAdd) {
  CapabilityPolicy policy = policy_of({"IDLE", "XB"}, {"XA", "XB", "MOVE"}, false);
  EXPECT_EQ(through("* CAPABILITY IMAP4rev1 IDLE MOVE\r\n", policy), "* CAPABILITY IMAP4rev1 MOVE XA\r\n");
  EXPECT_EQ(through("x OK [CAPABILITY idle] y\r\n", policy), "x OK [CAPABILITY XA MOVE] y\r\n");
  EXPECT_EQ(through("* CAPABILITY\r\n", policy), "* CAPABILITY XA MOVE\r\n");
}

TEST_P(Filter, MoreAdditionsThanSlices) {
  CapabilityPolicy policy;
  std::string expected = "* CAPABILITY IDLE";
  for (int i = 0; i < 40; ++i) {
    policy.add.push_back("XNAME" + std::to_string(i));
    expected += " XNAME" + std::to_string(i);
  }
  EXPECT_EQ(through("* CAPABILITY IDLE\r\n* 1 EXISTS\r\n", policy), expected + "\r\n* 1 EXISTS\r\n");
}

TEST_P(Filter, LongAtomsAreDropped) {
  std::string atom = "SORT=" + std::string(limits::kCapabilityAtomMax, 'x');
  std::string fits = "SORT=" + std::string(limits::kCapabilityAtomMax - 6, 'y');
  EXPECT_EQ(through("* CAPABILITY A" + atom + " IDLE " + atom + atom + " " + fits + " " + atom + "\r\n"),
            "* CAPABILITY IDLE " + fits + "\r\n");
}

TEST_P(Filter, ManyAtomsEndSomewhere) {
  std::string list;
  for (int i = 0; i < 2000; ++i) list += " SORT=" + std::to_string(i);
  std::string result = through("* CAPABILITY" + list + "\r\n");
  EXPECT_LT(result.size(), 4000u);
  EXPECT_TRUE(result.ends_with("\r\n"));
}

TEST_P(Filter, T38_IdNamesUs) {
  EXPECT_EQ(through("* ID (\"name\" \"Dovecot\")\r\n"), "* ID (\"x-proxy\" \"Postigo\" \"name\" \"Dovecot\")\r\n");
  EXPECT_EQ(through("* ID NIL\r\n"), "* ID (\"x-proxy\" \"Postigo\")\r\n");
  EXPECT_EQ(through("* id nil\r\n"), "* id (\"x-proxy\" \"Postigo\")\r\n");
  EXPECT_EQ(through("* ID ()\r\n"), "* ID (\"x-proxy\" \"Postigo\")\r\n");
  EXPECT_EQ(through("* ID ({4}\r\nna)e {1}\r\nx)\r\n* 1 EXISTS\r\n"),
            "* ID (\"x-proxy\" \"Postigo\" {4}\r\nna)e {1}\r\nx)\r\n* 1 EXISTS\r\n");
  EXPECT_EQ(through("* ID (\"x-proxies\" \"2\")\r\n"), "* ID (\"x-proxy\" \"Postigo\" \"x-proxies\" \"2\")\r\n");
  EXPECT_EQ(through("* ID (\r\n"), "* ID (\"x-proxy\" \"Postigo\" \r\n");
  EXPECT_EQ(through("* ID NILS\r\n"), "* ID NILS\r\n");
  EXPECT_EQ(through("* ID NI\r\n"), "* ID NI\r\n");
}

// RFC 2971 3.3: no field more than once. What another Postigo said in the same form stays as it is.
TEST_P(Filter, T38_AChainOfTwoNamesUsOnce) {
  std::string inner = through("* ID (\"name\" \"Dovecot\")\r\n* ID NIL\r\n");
  EXPECT_EQ(through(inner), inner);
}

TEST_P(Filter, T1_LiteralsFromTheBackendAreNotLookedAt) {
  std::string mail = "* CAPABILITY AUTH=PLAIN\r\n* ID NIL\r\na OK {9}\r\n+ x\r\n";
  std::string line =
      "* 1 FETCH (BODY[] {" + std::to_string(mail.size()) + "}\r\n" + mail + " UID 3 BODY[1] ~{2}\r\n\r\n)\r\n";
  EXPECT_EQ(through(line + "* CAPABILITY AUTH=PLAIN\r\n"), line + "* CAPABILITY\r\n");
}

TEST_P(Filter, StatusTextsHoldNoLiterals) {
  for (std::string head : {"* OK hello", "* NO hello", "a OK hello", "+ hello", "* BYE x", "* OK [ALERT] x", "+"}) {
    EXPECT_EQ(through(head + " {30}\r\n* CAPABILITY AUTH=PLAIN\r\n"), head + " {30}\r\n* CAPABILITY\r\n");
  }
}

TEST_P(Filter, T46_LineStart) {
  Relay r = relay();
  EXPECT_TRUE(r.filter().at_line_start());
  r.backend("* 1 FETCH (BODY[] {4}\r\n");
  EXPECT_FALSE(r.filter().at_line_start());
  EXPECT_TRUE(r.filter().farewell(Farewell::shutting_down).empty());
  r.backend("ab\r\n");
  EXPECT_FALSE(r.filter().at_line_start());
  r.backend(")\r\n");
  EXPECT_TRUE(r.filter().at_line_start());
  EXPECT_EQ(r.filter().farewell(Farewell::shutting_down), "* BYE [UNAVAILABLE] Server is shutting down.\r\n");
  r.backend("* CAPABILITY IDLE");
  EXPECT_FALSE(r.filter().at_line_start());
}

TEST_P(Filter, LiteralSizesThatNobodyMeans) {
  Relay r = relay();
  r.backend("* 1 FETCH (BODY[] {99999999999999999999}\r\n");
  EXPECT_TRUE(r.broken);
}

// --- to the backend -------------------------------------------------------------------------------------------------

TEST_P(Filter, CommandsAreCountedByVerb) {
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

TEST_P(Filter, T41_ForbiddenVerbsBecomeUnknownOnes) {
  EXPECT_EQ(forwarded("a UNAUTHENTICATE\r\nb NOOP\r\n"), "a XXXXXXXXXXXXXX\r\nb NOOP\r\n");
  EXPECT_EQ(forwarded("a LOGIN bob secret\r\nb NOOP\r\n"), "a XXXXX\r\nb NOOP\r\n");
  EXPECT_EQ(forwarded("a authenticate PLAIN AGEAYg==\nb NOOP\r\n"), "a XXXXXXXXXXXX\r\nb NOOP\r\n");
  EXPECT_EQ(forwarded("a STARTTLS\r\n"), "a XXXXXXXX\r\n");
  EXPECT_EQ(forwarded("a COMPRESS DEFLATE\r\n"), "a XXXXXXXX\r\n");
  // However it is dressed up.
  EXPECT_EQ(forwarded("  a   UNAUTHENTICATE\r\n"), "a   XXXXXXXXXXXXXX\r\n");
  EXPECT_EQ(forwarded("\t LOGIN x y\r\n"), "LOGIN x y\r\n") << "LOGIN is a tag, for everybody";
  EXPECT_EQ(forwarded("x\ty UNAUTHENTICATE\r\n"), "x X\r\n");
  EXPECT_EQ(forwarded("a \tUNAUTHENTICATE\r\n"), "a X\r\n");
  EXPECT_EQ(forwarded("a LOGIN(x\r\n"), "a XXXXX\r\n");
  EXPECT_EQ(forwarded(std::string("a LOGIN\0x\r\n", 11)), "a XXXXX\r\n");
  EXPECT_EQ(forwarded("a login\tbob pw\r\n"), "a XXXXX\r\n");
  EXPECT_EQ(forwarded("a LOGIN"), "a ") << "undecided";
  EXPECT_EQ(forwarded("a LOGINS x\r\n"), "a LOGINS x\r\n");
  EXPECT_EQ(forwarded("LOGIN NOOP\r\n"), "LOGIN NOOP\r\n") << "a tag";
}

TEST_P(Filter, T41_LiteralsOfForbiddenCommandsNeverArrive) {
  Relay r = relay();
  r.client("a LOGIN {3+}\r\nbob {8+}\r\nx NOOP\r\n extra\r\nb NOOP\r\n");
  EXPECT_EQ(r.to_backend, "a XXXXX\r\nb NOOP\r\n");
  Relay sync = relay();
  sync.client("a LOGIN {3}\r\n");
  EXPECT_EQ(sync.to_backend, "a XXXXX\r\n");
  sync.backend("a BAD Unknown command\r\n");
  sync.client("b NOOP\r\n");
  EXPECT_EQ(sync.to_backend, "a XXXXX\r\nb NOOP\r\n");
}

TEST_P(Filter, SyncLiteralGranted) {
  Relay r = relay();
  r.client("a APPEND INBOX {27}\r\n");
  EXPECT_EQ(r.take_to_backend(), "a APPEND INBOX {27}\r\n");
  r.backend("* 3 EXISTS\r\n+ OK\r\n");
  EXPECT_EQ(r.to_client, "* 3 EXISTS\r\n+ OK\r\n");
  r.client("b LOGIN x y\r\nc LOGOUT {3}\r\n {2}\r\n");
  EXPECT_EQ(r.take_to_backend(), "b LOGIN x y\r\nc LOGOUT {3}\r\n {2}\r\n");
  r.backend("+ OK\r\n");
  r.client("\r\n\r\nd NOOP\r\n");
  EXPECT_EQ(r.take_to_backend(), "\r\n\r\nd NOOP\r\n");
  EXPECT_EQ(r.count("APPEND"), 1u);
  EXPECT_EQ(r.count("NOOP"), 1u);
  EXPECT_EQ(r.filter().commands(), 2u);
}

TEST_P(Filter, SyncLiteralRefused) {
  Relay r = relay();
  r.client("a APPEND INBOX {10}\r\n");
  r.backend("a NO [TOOBIG] no\r\n");
  r.client("b LOGIN x y\r\n");
  EXPECT_EQ(r.to_backend, "a APPEND INBOX {10}\r\nb XXXXX\r\n") << "a command again";
  EXPECT_EQ(r.to_client, "a NO [TOOBIG] no\r\n");
}

TEST_P(Filter, SyncLiteralWaitsForEarlierAnswers) {
  Relay r = relay();
  r.client("a NOOP\r\na NOOP\r\na APPEND INBOX {3}\r\n");
  EXPECT_EQ(r.to_backend.find("{3}\r\n"), std::string::npos) << "its end would be ambiguous";
  EXPECT_TRUE(r.blocked);
  r.backend("a OK one\r\n");
  EXPECT_EQ(r.to_backend.find("{3}\r\n"), std::string::npos);
  r.backend("a OK two\r\n");
  EXPECT_TRUE(r.to_backend.ends_with("a APPEND INBOX {3}\r\n"));
  r.backend("+ go\r\n");
  r.client("xyz\r\n");
  r.backend("a OK done\r\n");
  r.client("b NOOP\r\n");
  EXPECT_TRUE(r.to_backend.ends_with("{3}\r\nxyz\r\nb NOOP\r\n"));
}

TEST_P(Filter, NonSyncLiteralIsConfirmedByTheBackend) {
  Relay r = relay();
  r.client("a APPEND INBOX (\\Seen) {5+}\r\nhello\r\nb NOOP\r\n");
  EXPECT_EQ(r.take_to_backend(), "a APPEND INBOX (\\Seen) {5}\r\n");
  r.backend("* 1 EXISTS\r\n+ OK\r\n* 2 EXISTS\r\n");
  EXPECT_EQ(r.take_to_client(), "* 1 EXISTS\r\n* 2 EXISTS\r\n") << "the client did not ask for a +";
  EXPECT_EQ(r.take_to_backend(), "hello\r\nb NOOP\r\n");
  r.backend("a OK\r\nb OK\r\n");
  EXPECT_EQ(r.take_to_client(), "a OK\r\nb OK\r\n");
}

TEST_P(Filter, T2_NonSyncLiteralRefusedIsSwallowed) {
  Relay r = relay();
  r.client("a APPEND INBOX {21+}\r\nx UNAUTHENTICATE\r\nab\n {3+}\r\n\r\n. \r\nb NOOP\r\n");
  EXPECT_EQ(r.take_to_backend(), "a APPEND INBOX {21}\r\n");
  r.backend("a NO [OVERQUOTA] full\r\n");
  EXPECT_EQ(r.take_to_backend(), "b NOOP\r\n");
  EXPECT_EQ(r.take_to_client(), "a NO [OVERQUOTA] full\r\n");
}

TEST_P(Filter, T41_CommandsCannotHideInALiteralThatTheBackendDoesNotTake) {
  Relay r = relay();
  r.client("a NOOP {18+}\r\nb UNAUTHENTICATE\r\n\r\nc NOOP\r\n");
  r.backend("a BAD no arguments\r\n");
  EXPECT_EQ(r.to_backend, "a NOOP {18}\r\nc NOOP\r\n");
}

TEST_P(Filter, LiteralLookAlikesPass) {
  for (std::string line :
       {"a NOOP {3+}x\r\n", "a NOOP {3+} \r\n", "a NOOP {+}\r\n", "a NOOP {}\r\n", "a NOOP {3-}\r\n", "a NOOP {3+\r\n",
        "a NOOP 3+}\r\n", "a NOOP {3}\"\r\n", "a NOOP {3+}\r \n", "a NOOP +}+}\r\n"}) {
    EXPECT_EQ(forwarded(line + "b NOOP\r\n"), line + "b NOOP\r\n");
  }
}

TEST_P(Filter, ZeroLiterals) {
  Relay r = relay();
  r.client("a SELECT {0+}\r\n\r\nb LOGIN {0+}\r\n {0}\r\n");
  r.backend("+\r\n");
  EXPECT_EQ(r.to_backend, "a SELECT {0}\r\n\r\nb XXXXX\r\n");
}

TEST_P(Filter, BareLineFeeds) {
  Relay r = relay();
  r.client("a SELECT {1+}\nx\nb NOOP\n");
  r.backend("+\n");
  EXPECT_EQ(r.to_backend, "a SELECT {1}\nx\nb NOOP\n");
}

TEST_P(Filter, SecondLiteralAfterTheAnswerCloses) {
  Relay r = relay();
  r.client("a APPEND INBOX {3}\r\n");
  r.backend("+ go\r\na NO changed my mind\r\n");
  r.client("xyz {3}\r\n");
  EXPECT_TRUE(r.broken);
}

TEST_P(Filter, AnswerDuringTheLiteralIsFine) {
  Relay r = relay();
  r.client("a APPEND INBOX {3}\r\n");
  r.backend("+ go\r\na NO changed my mind\r\n");
  r.client("xyz\r\nb APPEND INBOX {2}\r\n");
  EXPECT_EQ(r.to_backend, "a APPEND INBOX {3}\r\nxyz\r\nb APPEND INBOX {2}\r\n");
}

TEST_P(Filter, BlankLinesAndStrayDoneDoNotPass) {
  EXPECT_EQ(forwarded("\r\n\na NOOP\r\n\r\nDONE\r\ndone\nb NOOP\r\n"), "a NOOP\r\nb NOOP\r\n");
  EXPECT_EQ(forwarded("DONE x\r\nDON NOOP\r\nDONEX NOOP\r\n\r\rx NOOP\r\n"),
            "DONE x\r\nDON NOOP\r\nDONEX NOOP\r\nx NOOP\r\n");
}

TEST_P(Filter, LinesWithoutAVerbGetOne) {
  EXPECT_EQ(forwarded("foo\r\n"), "foo X\r\n");
  EXPECT_EQ(forwarded("foo \n"), "foo X\r\n");
  EXPECT_EQ(forwarded("{3+}\r\nabc UNAUTHENTICATE\r\nb NOOP\r\n"), " X\r\nb NOOP\r\n");
  EXPECT_EQ(forwarded("a{3} UNAUTHENTICATE\r\nb NOOP\r\n"), "a X\r\nb NOOP\r\n");
  EXPECT_EQ(forwarded("a\rb UNAUTHENTICATE\r\n"), "a X\r\n");
}

TEST_P(Filter, T61_Idle) {
  Relay r = relay();
  r.client("a IDLE\r\nDONE\r\n");
  EXPECT_EQ(r.take_to_backend(), "a IDLE\r\n");
  r.backend("+ idling\r\n");
  EXPECT_EQ(r.take_to_backend(), "DONE\r\n");
  EXPECT_EQ(r.take_to_client(), "+ idling\r\n");
  r.backend("a OK\r\n");
  r.client("b APPEND INBOX {3}\r\n");
  EXPECT_EQ(r.take_to_backend(), "b APPEND INBOX {3}\r\n") << "nothing is outstanding";
  EXPECT_EQ(r.count("IDLE"), 1u);
  EXPECT_EQ(r.filter().commands(), 2u) << "DONE is no command";
}

TEST_P(Filter, T61_IdleForLong) {
  Relay r = relay();
  r.client("a IDLE\r\n");
  r.backend("+ idling\r\n* 5 EXISTS\r\n* OK Still here {3}\r\n* CAPABILITY STARTTLS IDLE\r\n");
  EXPECT_EQ(r.take_to_client(), "+ idling\r\n* 5 EXISTS\r\n* OK Still here {3}\r\n* CAPABILITY IDLE\r\n");
  r.client("done\r\nb NOOP\r\n");
  EXPECT_EQ(r.take_to_backend(), "a IDLE\r\ndone\r\nb NOOP\r\n");
}

TEST_P(Filter, IdleRefusedThenDone) {
  Relay r = relay();
  r.client("a IDLE\r\nDONE\r\nb NOOP\r\nc APPEND x {1}\r\n");
  r.backend("a NO not now\r\n");
  EXPECT_EQ(r.take_to_backend(), "a IDLE\r\nb NOOP\r\nc APPEND x {1}\r");
  r.backend("b OK\r\n");
  EXPECT_EQ(r.take_to_backend(), "\n");
}

TEST_P(Filter, IdleEndedByTheBackend) {
  Relay r = relay();
  r.client("a IDLE\r\n");
  r.backend("+ idling\r\na OK enough\r\n");
  r.client("DONE\r\nb NOOP\r\n");
  EXPECT_EQ(r.to_backend, "a IDLE\r\nb NOOP\r\n");
}

TEST_P(Filter, NothingButDonePassesInIdle) {
  Relay r = relay();
  r.client("a IDLE\r\n");
  r.backend("+ idling\r\n");
  r.client("x UNAUTHENT");
  r.backend("a BAD Expected DONE\r\n");
  r.client("ICATE\r\nb NOOP\r\n");
  EXPECT_EQ(r.to_backend, "a IDLE\r\nX\r\nb NOOP\r\n");
}

TEST_P(Filter, UnexpectedContinuationIsRelayed) {
  Relay r = relay();
  r.backend("+ hello\r\n");
  r.client("a NOOP\r\nb APPEND x {2}\r\n");
  r.backend("+ again\r\na OK\r\n");
  r.backend("+ go\r\n");
  EXPECT_EQ(r.to_client, "+ hello\r\n+ again\r\na OK\r\n+ go\r\n");
  r.client("zz\r\n");
  EXPECT_TRUE(r.to_backend.ends_with("{2}\r\nzz\r\n"));
}

// The count of unanswered commands, where it could be wrong: it must never hang a client.
TEST_P(Filter, NoHangAfterMalformedLines) {
  for (std::string answer : {"* BAD what\r\n", "foo BAD what\r\n"}) {
    Relay r = relay();
    r.client("foo\r\n");
    r.backend(answer);
    r.client("b IDLE\r\n");
    EXPECT_EQ(r.to_backend, "foo X\r\nb IDLE\r\n");
  }
}

TEST_P(Filter, NoDesyncAfterAnUnprovokedBad) {
  Relay r = relay();
  r.client("a FETCH 1 BODY[]\r\n");
  r.backend("* BAD internal trouble\r\n");
  r.client("b APPEND x {16}\r\n");  // passes early: the count is too low
  r.backend("a OK late\r\n");       // is not b's answer
  r.backend("+ go\r\n");
  r.client("x UNAUTHENTICATE\r\n");
  EXPECT_TRUE(r.to_backend.ends_with("{16}\r\nx UNAUTHENTICATE\r\n"));
}

TEST_P(Filter, T40_CompressStepsAside) {
  Relay r = relay(policy_of({}, {}, true));
  r.client("a COMPRESS DEFLATE\r\n\x01\x02 LOGIN\r\n");
  EXPECT_EQ(r.take_to_backend(), "a COMPRESS DEFLATE\r\n");
  r.backend("* 1 EXISTS\r\na OK active\r\n* CAPABILITY STARTTLS\r\n+ \r\n{3}\r\n");
  EXPECT_EQ(r.take_to_client(), "* 1 EXISTS\r\na OK active\r\n* CAPABILITY STARTTLS\r\n+ \r\n{3}\r\n");
  EXPECT_TRUE(r.filter().transparent());
  EXPECT_FALSE(r.filter().at_line_start());
  EXPECT_EQ(r.take_to_backend(), "\x01\x02 LOGIN\r\n");
}

TEST_P(Filter, T40_CompressRefused) {
  Relay r = relay(policy_of({}, {}, true));
  r.client("a COMPRESS DEFLATE\r\nb LOGIN x y\r\n");
  r.backend("a NO [COMPRESSIONACTIVE] no\r\n* CAPABILITY STARTTLS\r\n");
  EXPECT_FALSE(r.filter().transparent());
  EXPECT_EQ(r.to_backend, "a COMPRESS DEFLATE\r\nb XXXXX\r\n");
  EXPECT_TRUE(r.to_client.ends_with("* CAPABILITY\r\n"));
}

TEST(FilterMemory, BulkIsOneSlice) {
  CapabilityPolicy policy;
  Relay r(policy);
  r.backend("* 1 FETCH (BODY[] {1000000}\r\n");
  std::string bulk(999999, 'x');
  Slices slices;
  FilterStep step = r.filter().from_backend(bulk, slices);
  EXPECT_EQ(step.consumed, bulk.size());
  ASSERT_EQ(slices.all().size(), 1u);
  EXPECT_EQ(slices.all()[0].data(), bulk.data()) << "no copy";
}

TEST(FilterMemory, LinesThatPassAreOneSlice) {
  Relay r;
  std::string lines;
  for (int i = 0; i < 1000; ++i) lines += "* " + std::to_string(i) + " FETCH (FLAGS (\\Seen) UID 4)\r\n";
  Slices slices;
  FilterStep step = r.filter().from_backend(lines, slices);
  EXPECT_EQ(step.consumed, lines.size());
  EXPECT_EQ(slices.all().size(), 1u);
}

}  // namespace
}  // namespace postigo::imap
