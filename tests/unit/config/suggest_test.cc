// "did you mean" must help with slips of the fingers and keep quiet otherwise.
#include "config/suggest.h"

#include <gtest/gtest.h>

namespace postigo::config {
namespace {

TEST(EditDistance, CountsSlips) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("abc", ""), 3u);
  EXPECT_EQ(edit_distance("tls", "TLS"), 0u);
  EXPECT_EQ(edit_distance("lsitener", "listener"), 1u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

TEST(Nearest, FindsTheWord) {
  EXPECT_EQ(nearest("adress", {"name", "address", "tls"}), "address");
  EXPECT_EQ(nearest("start_tls", {"off", "starttls", "implicit"}), "starttls");
  EXPECT_EQ(nearest("idle_timeout", {"imap_idle_timeout", "login"}), "imap_idle_timeout");
  EXPECT_EQ(nearest("tsl", {"tls"}), "tls");
}

TEST(Nearest, KeepsQuietWhenNothingIsNear) {
  EXPECT_EQ(nearest("banana", {"tls", "name"}), "");
  EXPECT_EQ(nearest("", {"tls"}), "");
  EXPECT_EQ(nearest(std::string(5000, 'x'), {"tls"}), "");
  EXPECT_EQ(did_you_mean("banana", {"tls"}), "");
}

TEST(Sentences, OneOfAndQuotes) {
  EXPECT_EQ(one_of({"a"}), "\"a\"");
  EXPECT_EQ(one_of({"a", "b", "c"}), "\"a\", \"b\" or \"c\"");
  EXPECT_EQ(in_quotes("a\x1b"), "\"a\\x1b\"");
}

}  // namespace
}  // namespace postigo::config
