// The facts of a client both ways: what a proxy before us tells is what we would have told.
#include "parser/login/facts.h"

#include <gtest/gtest.h>

#include "parser/base/ascii.h"

namespace postigo {
namespace {

TEST(Facts, WhatIsToldIsTaken) {
  const ClientFacts facts = {"192.0.2.7", 4711, "2001:db8::1", 993, "a/B+c", true, "", 5, "imap.example.com"};
  auto of_id = nothing_told(), of_xclient = nothing_told();
  for (const Fact& fact : facts_to_tell(facts)) {
    EXPECT_TRUE(take_fact(*of_id, upper(fact.id_key), fact.value));
    EXPECT_TRUE(take_fact(*of_xclient, fact.xclient_key, fact.value));
  }
  for (const ClientFacts* told : {of_id.get(), of_xclient.get()}) {
    EXPECT_EQ(told->client_ip, "192.0.2.7");
    EXPECT_EQ(told->client_port, 4711);
    EXPECT_EQ(told->local_ip, "2001:db8::1");
    EXPECT_EQ(told->local_port, 993);
    EXPECT_EQ(told->session_id, "a/B+c");
    EXPECT_EQ(told->tls, true);
    EXPECT_EQ(told->local_name, "imap.example.com");
    EXPECT_EQ(told->hops_left, ClientFacts::kHops) << "the least of all that was said counts: not here";
  }
}

TEST(Facts, A4_OnlyWhatCanBeIsTaken) {
  auto told = nothing_told();
  for (const char* bad : {"", "mail.example.com", "9.9.9.9\r\nx", "1.2.3.4 "}) {
    EXPECT_FALSE(take_fact(*told, "ADDR", bad)) << bad;
    EXPECT_FALSE(take_fact(*told, "x-connected-ip", bad)) << bad;
  }
  for (const char* bad : {"", "x", "-1", "65536", "1x"}) EXPECT_FALSE(take_fact(*told, "PORT", bad)) << bad;
  EXPECT_TRUE(take_fact(*told, "SESSION", std::string(65, 's'))) << "Dovecot ignores it";
  EXPECT_TRUE(take_fact(*told, "LOGIN", "x")) << "a name of tomorrow";
  EXPECT_TRUE(told->client_ip.empty() && told->local_ip.empty() && told->session_id.empty() && !told->tls);
}

TEST(Facts, TheIdOfASessionHasTwoNames) {
  auto told = nothing_told();
  EXPECT_TRUE(take_fact(*told, "x-session-ext-id", "a/B"));
  EXPECT_EQ(told->session_id, "a/B");
}

TEST(Facts, TheFirstValueCounts) {
  auto told = nothing_told();
  for (const char* value : {"192.0.2.7", "9.9.9.9"}) EXPECT_TRUE(take_fact(*told, "x-originating-ip", value));
  for (const char* value : {"insecure", "TLS"}) EXPECT_TRUE(take_fact(*told, "x-client-transport", value));
  EXPECT_EQ(told->client_ip, "192.0.2.7");
  EXPECT_EQ(told->tls, false);
}

}  // namespace
}  // namespace postigo
