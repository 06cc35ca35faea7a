// The relay filter towards the client: capability lists, ID, literals; everything at several chunk sizes, because none
// of it may depend on them. The other direction: client_stream_test.cc.
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
