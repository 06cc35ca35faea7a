// What a scrape sees: the families that operators build on, sums over workers, histograms that a monitor can read.
#include "proxy/ops/metrics.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <set>

#include "tests/unit/proxy/metrics_fixture.h"

namespace postigo {
namespace {

TEST_F(MetricsTest, TheFamiliesAreThere) {
  auto families = collect();
  for (std::string name : {"postigo_connections",
                           "postigo_connections_limit",
                           "postigo_login_bytes",
                           "postigo_login_bytes_limit",
                           "postigo_connections_accepted_total",
                           "postigo_connections_closed_total",
                           "postigo_rejected_total",
                           "postigo_tls_handshakes_total",
                           "postigo_tls_handshake_seconds",
                           "postigo_cert_not_after_seconds",
                           "postigo_auth_attempts_total",
                           "postigo_login_seconds",
                           "postigo_route_lookups_total",
                           "postigo_backend_sessions",
                           "postigo_backend_sessions_limit",
                           "postigo_backend_logins",
                           "postigo_backend_logins_limit",
                           "postigo_backend_connects_total",
                           "postigo_backend_errors_total",
                           "postigo_backend_connect_seconds",
                           "postigo_backend_login_seconds",
                           "postigo_retries_total",
                           "postigo_bytes_total",
                           "postigo_commands_total",
                           "postigo_capability_rewrites_total",
                           "postigo_session_seconds",
                           "postigo_disconnects_total",
                           "postigo_event_loop_lag_seconds",
                           "postigo_fds",
                           "postigo_fds_limit",
                           "postigo_buffers_bytes",
                           "postigo_buffers_bytes_limit",
                           "postigo_draining",
                           "postigo_build_info",
                           "postigo_config_last_load_success_timestamp_seconds"}) {
    EXPECT_EQ(families.count(name), 1u) << name;
    EXPECT_FALSE(families[name].metrics.empty()) << name;
    EXPECT_FALSE(families[name].help.empty()) << name;
  }
}

TEST_F(MetricsTest, EveryUseHasItsLimitBesideIt) {
  // Gauges that are no use of anything that could be full.
  const std::set<std::string> kNoUse = {"postigo_backend_state",
                                        "postigo_backend_pool_info",
                                        "postigo_users_placed",
                                        "postigo_build_info",
                                        "postigo_cert_not_after_seconds",
                                        "postigo_config_info",
                                        "postigo_config_last_load_attempt_timestamp_seconds",
                                        "postigo_config_last_load_success_timestamp_seconds",
                                        "postigo_config_last_load_successful",
                                        "postigo_draining",
                                        "postigo_predecessor_sessions",  // which end
                                        "postigo_predecessors",
                                        "postigo_worker_sessions",  // of postigo_connections
                                        "process_start_time_seconds",
                                        "process_resident_memory_bytes"};
  // Their use is that of a counter.
  const std::set<std::string> kRates = {"postigo_rate_limit", "postigo_backend_rate_limit"};
  auto families = collect();
  size_t uses = 0;
  for (const auto& [name, family] : families) {
    if (kRates.count(name) != 0) {
      continue;
    } else if (name.ends_with("_limit")) {
      EXPECT_EQ(families.count(name.substr(0, name.size() - 6)), 1u) << name << " limits nothing";
    } else if (family.type == "gauge" && kNoUse.count(name) == 0) {
      EXPECT_EQ(families.count(name + "_limit"), 1u) << name << " has no limit beside it";
      ++uses;
    }
  }
  EXPECT_GE(uses, 5u);
  for (const std::string& name : kNoUse) EXPECT_EQ(families.count(name), 1u) << name << " is not there any more";
  EXPECT_EQ(find("postigo_connections_limit", {}).value, 1000);
  EXPECT_EQ(find("postigo_fds_limit", {}).value, 1234);
  EXPECT_GT(find("postigo_fds", {}).value, 3);
  EXPECT_GT(find("process_resident_memory_bytes", {}).value, 1e6);
}

TEST_F(MetricsTest, NamesTypesAndLabelsFollowTheConventions) {
  std::set<std::string> labels;
  for (const auto& [name, family] : collect()) {
    EXPECT_EQ(name.ends_with("_total"), family.type == "counter") << name;
    if (family.type == "histogram") {
      EXPECT_TRUE(name.ends_with("_seconds")) << name;
    }
    for (const auto& metric : family.metrics) {
      for (const auto& [label, value] : metric.labels) labels.insert(label);
    }
  }
  EXPECT_THAT(labels, testing::IsSubsetOf({"state",   "listener", "protocol",  "reason",    "version",   "resumed",
                                           "result",  "name",     "kind",      "number",    "mechanism", "pool",
                                           "backend", "dir",      "group",     "signature", "place",     "verb",
                                           "side",    "worker",   "boringssl", "level",     "hash",      "reply"}))
      << "never a user, an address or a text";
}

TEST_F(MetricsTest, CountersAreSummedOverTheWorkers) {
  stats(0).listeners[0].accepted.add(3);
  stats(1).listeners[0].accepted.add(4);
  stats(1).listeners[1].accepted.add(5);
  EXPECT_EQ(find("postigo_connections_accepted_total", {{"listener", "imap"}}).value, 7);
  EXPECT_EQ(find("postigo_connections_accepted_total", {{"listener", "pop3"}}).value, 5);

  stats(0).sessions[static_cast<size_t>(Phase::relay)].add(2);
  stats(1).sessions[static_cast<size_t>(Phase::relay)].add(1);
  EXPECT_EQ(find("postigo_connections", {{"state", "relay"}}).value, 3);
  EXPECT_EQ(find("postigo_worker_sessions", {{"worker", "1"}}).value, 1);
  for (unsigned i = 0; i < 2; ++i)
    stats(i).sessions[static_cast<size_t>(Phase::relay)].set(0);  // as it was: none is open

  stats(0).backends[0].errors[static_cast<size_t>(BackendError::tls)].inc();
  EXPECT_EQ(find("postigo_backend_errors_total", {{"backend", "b1"}, {"reason", "tls"}}).value, 1);
  stats(0).listeners[0].tls.handshakes[1][1].add(9);
  EXPECT_EQ(
      find("postigo_tls_handshakes_total", {{"listener", "imap"}, {"version", "TLSv1.3"}, {"resumed", "yes"}}).value,
      9);
  stats(1).protocols[0].verbs[0].add(6);
  EXPECT_EQ(
      find("postigo_commands_total", {{"protocol", "imap"}, {"verb", std::string(protocols()[0].verbs[0])}}).value, 6);
  stats(1).protocols[0].closed[static_cast<size_t>(CloseReason::backend_lost)].add(3);
  EXPECT_EQ(
      find("postigo_disconnects_total", {{"protocol", "imap"}, {"side", "backend"}, {"reason", "backend_lost"}}).value,
      3);
  stats(0).protocols[1].rewrites[static_cast<size_t>(Rewrite::stream)].add(2);
  EXPECT_EQ(find("postigo_capability_rewrites_total", {{"protocol", "pop3"}, {"kind", "stream"}}).value, 2);
}

TEST_F(MetricsTest, HistogramsAreCumulativeAndInSeconds) {
  stats(0).backends[0].connect_seconds.observe_us(100);  // a bound belongs to its bucket
  stats(0).backends[0].connect_seconds.observe_us(101);
  stats(1).backends[0].connect_seconds.observe_us(2'000'000);
  stats(1).backends[0].connect_seconds.observe_us(3600'000'000);
  auto histogram = find("postigo_backend_connect_seconds", {{"backend", "b1"}});
  EXPECT_EQ(histogram.value, 4);
  EXPECT_DOUBLE_EQ(histogram.sum, 3602.000201);
  std::string bounds;  // as rules have them: a quantile of le="0.25" finds no other way to write it
  for (const auto& [bound, count] : histogram.buckets) bounds += bound + " ";
  EXPECT_EQ(bounds, "0.0001 0.00025 0.0005 0.001 0.0025 0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10 60 +Inf ");
  EXPECT_EQ(histogram.buckets[0].second, 1u);
  EXPECT_EQ(histogram.buckets[1].second, 2u);
  EXPECT_EQ(histogram.buckets.back().second, 4u);
  for (size_t i = 1; i < histogram.buckets.size(); ++i) {
    EXPECT_LE(histogram.buckets[i - 1].second, histogram.buckets[i].second);
  }
  EXPECT_EQ(histogram.buckets[histogram.buckets.size() - 2].second, 3u) << "an hour is beyond the last bound";
}

TEST_F(MetricsTest, PromtoolIsContent) {
  if (std::system("command -v promtool >/dev/null") != 0) GTEST_SKIP() << "no promtool here";
  stats(0).listeners[0].tls_seconds.observe_us(1234);
  std::ofstream(authority.file("metrics")) << metrics->page();
  std::string command = "promtool check metrics <" + authority.file("metrics") + " 2>&1";
  std::unique_ptr<FILE, int (*)(FILE*)> output(popen(command.c_str(), "r"), pclose);
  std::string said;
  for (int c; (c = fgetc(output.get())) != EOF;) said += static_cast<char>(c);
  EXPECT_EQ(said, "");
}

// Arrays of WorkerStats that are indexed by protocol and by verb: beyond them somebody else is counted, or worse.
TEST(WorkerStatsSizes, EveryProtocolAndVerbHasAPlace) {
  EXPECT_LE(protocols().size(), WorkerStats::kProtocolsMax);
  for (const Protocol& protocol : protocols()) {
    EXPECT_LE(protocol.verbs.size(), ProtocolStats::kVerbsMax) << protocol.name;
  }
}

// TSan's business: scrapes while real sessions log in, are refused and leave.
class MetricsUnderLoad : public WorkerTest {};

TEST_F(MetricsUnderLoad, AScrapeIsNobodysBusiness) {
  start();
  MetricsSource source;
  source.shared = shared.get();
  for (auto& worker : workers) source.workers.push_back(&worker->stats());
  Metrics metrics(source);
  std::atomic<bool> stop{false};
  std::thread scraper([&] {
    while (!stop) (void)metrics.page();
  });
  for (int i = 0; i < 5; ++i) {
    auto [client, backend] = relayed();
    client.say("a2 NOOP\r\n");
    backend.say("a2 OK\r\n");
    client.hear("a2 OK");
    Peer::to(pop3.number()).close();
  }
  EXPECT_TRUE(eventually([&] { return closed(CloseReason::probe) == 5 && in_phase(Phase::relay) == 0; }));
  stop = true;
  scraper.join();
  double ok = 0;
  const ScrapedFamily commands = read_page(metrics.page())["postigo_commands_total"];
  for (const ScrapedMetric& metric : commands.metrics) ok += metric.value;
  EXPECT_EQ(ok, 5);
}

// A scrape reads while workers count.
TEST_F(MetricsTest, AScrapeMayHappenAtAnyTime) {
  std::thread scraper([&] {
    for (int i = 0; i < 20; ++i) (void)metrics->page();
  });
  for (int i = 0; i < 20'000; ++i) {
    stats(0).listeners[0].accepted.inc();
    stats(1).loop_lag.observe_us(static_cast<uint64_t>(i));
  }
  scraper.join();
  EXPECT_EQ(find("postigo_connections_accepted_total", {{"listener", "imap"}}).value, 20'000);
}

}  // namespace
}  // namespace postigo
