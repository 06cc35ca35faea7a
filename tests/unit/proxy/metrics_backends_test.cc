// What a scrape tells of backends and pools: who is in which, are they alike, and is there room to connect from.
#include <gtest/gtest.h>

#include <fstream>

#include "proxy/session/capability_digest.h"
#include "tests/unit/proxy/metrics_fixture.h"

namespace postigo {
namespace {

class BackendMetrics : public MetricsTest {
 protected:
  // b1, b2 and b3 in pool "main", b3 in "spare", too; b2 by TLS.
  BackendMetrics() {
    for (const char* name : {"b2", "b3"}) {
      config::Backend next = config.live.backends[0];
      next.name = name;
      if (next.name == "b2") next.tls.mode = config::Tls::implicit;
      config.live.backends.push_back(next);
      config.live.pools[0].shards.push_back({next.name, 1.0, {next.name}});
    }
    config::Pool spare;
    spare.name = "spare";
    spare.shards = {{"one", 1.0, {"b3"}}, {"two", 1.0, {"b3"}}};
    config.live.pools.push_back(spare);
  }
  BackendState& state(const std::string& name) { return *lasting.fleet.backend(name).value(); }
  void lists(const std::string& name, const std::vector<std::string>& capabilities, size_t protocol = 0) {
    state(name).capabilities[protocol] = capability_digest(capabilities);
  }
  // "b1 main imap", of those whose gauge is `value`.
  std::set<std::string> with(const std::string& family, double value) const {
    std::set<std::string> found;
    const ScrapedFamily scraped = collect()[family];
    for (const auto& metric : scraped.metrics) {
      std::string text;
      for (const auto& [label, value_of] : metric.labels) text += (text.empty() ? "" : " ") + value_of;
      if (metric.value == value) found.insert(text);
    }
    return found;
  }
  using Set = std::set<std::string>;
};

TEST_F(BackendMetrics, APoolsBackendsAreNamedOnceEach) {
  EXPECT_EQ(with("postigo_backend_pool_info", 1), (Set{"b1 main", "b2 main", "b3 main", "b3 spare"}));
}

TEST_F(BackendMetrics, OnlyTheOneThatListsOtherThingsDiffers) {
  EXPECT_EQ(collect().count("postigo_backend_capabilities_differ"), 0u) << "nobody has logged in";
  lists("b1", {"IMAP4REV1", "IDLE", "MOVE"});
  EXPECT_EQ(with("postigo_backend_capabilities_differ", 0), (Set{"b1 main imap"}));
  lists("b2", {"IMAP4REV1", "IDLE"});
  lists("b3", {"MOVE", "IDLE", "IMAP4REV1"});
  EXPECT_EQ(with("postigo_backend_capabilities_differ", 1), (Set{"b2 main imap"})) << "the order is no difference";
  EXPECT_EQ(with("postigo_backend_capabilities_differ", 0), (Set{"b1 main imap", "b3 main imap", "b3 spare imap"}));
  lists("b2", {"UIDL"}, 1);
  EXPECT_EQ(with("postigo_backend_capabilities_differ", 1), (Set{"b2 main imap"})) << "POP3 has a list of its own";
  lists("b2", {"IMAP4REV1", "IDLE", "MOVE"});
  EXPECT_EQ(with("postigo_backend_capabilities_differ", 1), Set{});
}

TEST(CapabilityDigest, TellsSetsApart) {
  const uint64_t one = capability_digest({"A", "B"});
  EXPECT_EQ(one, capability_digest({"B", "A"}));
  EXPECT_NE(one, capability_digest({"A"}));
  EXPECT_NE(one, capability_digest({"AB"}));
  EXPECT_EQ(capability_digest({}), 0u);
}

TEST_F(BackendMetrics, PortsInUseAreAllConnections) {
  state("b1").sessions = 5;
  state("b1").logins = 3;
  state("b1").ready[0] = 2;
  state("b1").ready[1] = 1;
  EXPECT_EQ(find("postigo_backend_source_ports", {{"backend", "b1"}}).value, 11);
  EXPECT_EQ(find("postigo_backend_source_ports", {{"backend", "b2"}}).value, 0);
  state("b1").sessions = state("b1").logins = state("b1").ready[0] = state("b1").ready[1] = 0;
}

TEST_F(BackendMetrics, HandshakesWithABackendThatSpeaksTls) {
  TlsStats& tls = stats(1).backends[state("b2").slot].tls;
  tls.handshakes[1][1].add(4);
  tls.groups[1].add(3);
  tls.signatures[1].add(2);
  EXPECT_EQ(find("postigo_backend_tls_handshakes_total", {{"version", "TLSv1.3"}, {"resumed", "yes"}}).value, 4);
  EXPECT_EQ(find("postigo_backend_tls_groups_total", {{"backend", "b2"}, {"group", "X25519"}}).value, 3);
  EXPECT_EQ(find("postigo_backend_tls_signatures_total", {{"backend", "b2"}, {"signature", "rsa"}}).value, 2);
  EXPECT_EQ(collect()["postigo_backend_tls_groups_total"].metrics.size(), kTlsGroupNames.size())
      << "b1 speaks clear text";
}

TEST_F(MetricsTest, HandshakesOfClientsByGroupAndSignature) {
  stats(0).listeners[0].tls.groups[0].add(2);
  stats(1).listeners[0].tls.groups[0].add(3);
  stats(1).listeners[0].tls.signatures[0].add(1);
  EXPECT_EQ(find("postigo_tls_groups_total", {{"listener", "imap"}, {"group", "X25519MLKEM768"}}).value, 5);
  EXPECT_EQ(find("postigo_tls_signatures_total", {{"listener", "imap"}, {"signature", "ecdsa"}}).value, 1);
}

class SourceAddresses : public BackendMetrics {
 protected:
  SourceAddresses() { config.live.backends[2].source = {"127.0.0.1", "127.0.0.2"}; }
};

TEST_F(SourceAddresses, EachHasPortsOfItsOwn) {
  std::ifstream file("/proc/sys/net/ipv4/ip_local_port_range");
  double first = 0, last = 0;
  ASSERT_TRUE(file >> first >> last);
  EXPECT_EQ(find("postigo_backend_source_ports_limit", {{"backend", "b1"}}).value, last - first + 1);
  EXPECT_EQ(find("postigo_backend_source_ports_limit", {{"backend", "b3"}}).value, 2 * (last - first + 1));
}

// Who is where his mail is, as logins tell the ledger.
TEST_F(MetricsTest, UsersAtHomeAndAway) {
  Bonds& bonds = shared->ledger.affinity;
  const auto stays = [](Bonds::Slot) { return true; };
  Bonds::Bond home, away;
  ASSERT_EQ(bonds.bind(home, "ann", 0, 1000, stays, 0), Bonds::Answer::yes);
  ASSERT_EQ(bonds.bind(away, "bob", 1, 1000, stays, 0), Bonds::Answer::yes);
  home.settle();
  away.settle();
  EXPECT_EQ(find("postigo_users_placed", {{"place", "home"}}).value, 1);
  EXPECT_EQ(find("postigo_users_placed", {{"place", "away"}}).value, 1);
}

// A login leaves behind what its backend lists.
class MetricsOfALogin : public WorkerTest {};

TEST_F(MetricsOfALogin, WhatTheBackendListsIsNoted) {
  start(1);
  const BackendState& there = *lasting.fleet.backend("b1").value();
  EXPECT_EQ(there.capabilities[0].load(), 0u);
  auto [client, backend] = relayed();
  EXPECT_NE(there.capabilities[0].load(), 0u);
  EXPECT_EQ(there.capabilities[1].load(), 0u);
}

}  // namespace
}  // namespace postigo
