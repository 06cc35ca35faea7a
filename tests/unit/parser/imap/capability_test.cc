// Capability lists: the table by example, and properties that hold for random lists.
#include "parser/imap/capability.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <sstream>

#include "parser/base/ascii.h"
#include "tests/unit/parser/imap/relay.h"

namespace postigo::imap {
namespace {

std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> result;
  for (std::string word; in >> word;) result.push_back(word);
  return result;
}

std::string rewrite(const std::string& list, const CapabilityPolicy& policy = {}) {
  return rewrite_capabilities(words(list), policy);
}

TEST(Capability, T37_DovecotAfterLogin) {
  EXPECT_EQ(rewrite("IMAP4REV1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT SORT=DISPLAY THREAD=REFERENCES THREAD=REFS "
                    "THREAD=ORDEREDSUBJECT MULTIAPPEND URL-PARTIAL CATENATE UNSELECT CHILDREN NAMESPACE UIDPLUS "
                    "LIST-EXTENDED I18NLEVEL=1 CONDSTORE QRESYNC ESEARCH ESORT SEARCHRES WITHIN CONTEXT=SEARCH "
                    "LIST-STATUS BINARY MOVE SNIPPET=FUZZY PREVIEW=FUZZY PREVIEW STATUS=SIZE SAVEDATE LITERAL+ NOTIFY "
                    "SPECIAL-USE COMPRESS=DEFLATE QUOTA"),
            "IMAP4rev1 ID ENABLE IDLE SORT SORT=DISPLAY THREAD=REFERENCES THREAD=REFS "
            "THREAD=ORDEREDSUBJECT MULTIAPPEND URL-PARTIAL CATENATE UNSELECT CHILDREN NAMESPACE UIDPLUS "
            "LIST-EXTENDED I18NLEVEL=1 CONDSTORE QRESYNC ESEARCH ESORT SEARCHRES WITHIN CONTEXT=SEARCH "
            "LIST-STATUS BINARY MOVE SNIPPET=FUZZY PREVIEW=FUZZY PREVIEW STATUS=SIZE SAVEDATE LITERAL+ NOTIFY "
            "SPECIAL-USE QUOTA");
}

TEST(Capability, T37_UnknownNamesAreDropped) { EXPECT_EQ(rewrite("XTOMORROW IDLE X-EVIL=1 MOVE2"), "IDLE"); }

TEST(Capability, T39_OneRevision) {
  EXPECT_EQ(rewrite("IMAP4REV2 IMAP4REV1 IDLE"), "IMAP4rev1 IDLE");
  EXPECT_EQ(rewrite("IMAP4REV1 IMAP4REV2 IDLE"), "IMAP4rev1 IDLE");
  EXPECT_EQ(rewrite("IMAP4REV2 IDLE"), "IDLE IMAP4rev2") << "better than none";
}

TEST(Capability, T40_T41_T42_T43_Forbidden) {
  EXPECT_EQ(
      rewrite("COMPRESS=DEFLATE UNAUTHENTICATE LOGIN-REFERRALS MAILBOX-REFERRALS URLAUTH URLAUTH=BINARY AUTH=PLAIN "
              "STARTTLS LOGINDISABLED SASL-IR JMAPACCESS IMAPSIEVE=SIEVE://HOST"),
      "");
  EXPECT_EQ(rewrite("COMPRESS=DEFLATE COMPRESS=LZ4", policy_of({}, {}, true)), "COMPRESS=DEFLATE");
  EXPECT_EQ(rewrite("COMPRESS=DEFLATE", policy_of({"COMPRESS=DEFLATE"}, {}, true)), "");
}

TEST(Capability, HideWinsAndAddIsSaidOnce) {
  EXPECT_EQ(rewrite("IDLE MOVE", policy_of({"IDLE", "XA"}, {"XA", "MOVE", "XB", "XB", "AUTH=PLAIN"}, false)),
            "MOVE XB");
}

TEST(Capability, PropertiesOfRandomLists) {
  const std::vector<std::string> pool = {"IMAP4REV1",        "IMAP4REV2",    "IDLE",    "MOVE",    "AUTH=PLAIN",
                                         "AUTH=X",           "STARTTLS",     "XFOO",    "XBAR",    "SORT",
                                         "SORT=DISPLAY",     "THREAD=REFS",  "SASL-IR", "URLAUTH", "LITERAL+",
                                         "COMPRESS=DEFLATE", "LOGINDISABLED"};
  std::mt19937 random(7);
  auto some = [&](size_t max) {
    std::vector<std::string> result(random() % (max + 1));
    for (std::string& name : result) name = pool[random() % pool.size()];
    return result;
  };
  for (int round = 0; round < 20000; ++round) {
    CapabilityPolicy policy = policy_of(some(3), some(4), round % 2 == 0);
    std::vector<std::string> backend = some(14);
    std::string text = rewrite_capabilities(backend, policy);
    std::vector<std::string> shown = words(upper(text));

    std::set<std::string> unique(shown.begin(), shown.end());
    ASSERT_EQ(unique.size(), shown.size()) << text;
    for (const std::string& name : shown) {
      ASSERT_FALSE(name.starts_with("AUTH=") || name == "STARTTLS" || name == "SASL-IR" || name == "URLAUTH" ||
                   name == "LOGINDISABLED" || (name == "COMPRESS=DEFLATE" && !policy.allow_compress))
          << text;
      ASSERT_FALSE(is_hidden(policy, name)) << text;
    }
    std::vector<std::string> kept;
    for (const std::string& name : backend) {
      bool first = std::find(kept.begin(), kept.end(), name) == kept.end();
      if (first && unique.count(name) != 0 && name != "IMAP4REV2") kept.push_back(name);
    }
    shown.erase(std::remove(shown.begin(), shown.end(), "IMAP4REV2"), shown.end());
    ASSERT_TRUE(std::equal(kept.begin(), kept.end(), shown.begin())) << "order: " << text;
    ASSERT_EQ(rewrite_capabilities(words(upper(text)), policy), text) << "idempotent";
  }
}

// What is remembered is the answer to this question and no other: another list, another listener's policy.
TEST(Capability, T36_TheLastAnswerIsNotGivenToAnotherQuestion) {
  auto plain = std::make_shared<const CapabilityPolicy>();
  CapabilityPolicy hides;
  hides.hide = {"IDLE"};
  auto hiding = std::make_shared<const CapabilityPolicy>(hides);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(rewrite_capabilities(words("IMAP4REV1 IDLE"), plain), "IMAP4rev1 IDLE");
    EXPECT_EQ(rewrite_capabilities(words("IMAP4REV1 IDLE"), hiding), "IMAP4rev1");
    EXPECT_EQ(rewrite_capabilities(words("IMAP4REV1 IDLE MOVE"), hiding), "IMAP4rev1 MOVE");
    EXPECT_EQ(rewrite_capabilities(words("IMAP4REV1"), plain), "IMAP4rev1");
  }
}

// A policy goes with its listener, also if the last login on this thread was its own.
TEST(Capability, WhatIsRememberedHoldsNoPolicy) {
  auto policy = std::make_shared<const CapabilityPolicy>();
  EXPECT_EQ(rewrite_capabilities(words("IMAP4REV1 IDLE"), policy), "IMAP4rev1 IDLE");
  std::weak_ptr<const CapabilityPolicy> watch = policy;
  policy.reset();
  EXPECT_TRUE(watch.expired());
}

// Memory of the old one may become the new one's.
TEST(Capability, T36_APolicyAtTheSameAddressIsAnotherPolicy) {
  CapabilityPolicy place;
  auto at_place = [&] { return std::shared_ptr<const CapabilityPolicy>(&place, [](const CapabilityPolicy*) {}); };
  EXPECT_EQ(rewrite_capabilities(words("IMAP4REV1 IDLE"), at_place()), "IMAP4rev1 IDLE");
  place.hide = {"IDLE"};
  EXPECT_EQ(rewrite_capabilities(words("IMAP4REV1 IDLE"), at_place()), "IMAP4rev1");
}

// What is too long to be remembered is no less right.
TEST(Capability, T36_ListsThatAreTooLongToRemember) {
  auto policy = std::make_shared<const CapabilityPolicy>();
  std::vector<std::string> names = words("IMAP4REV1 IDLE");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(rewrite_capabilities(names, policy), "IMAP4rev1 IDLE");
    names.insert(names.end(), 500, "X-LONG-AND-UNKNOWN");
  }
  EXPECT_EQ(rewrite_capabilities(words("IMAP4REV1 IDLE"), policy), "IMAP4rev1 IDLE");
}

}  // namespace
}  // namespace postigo::imap
