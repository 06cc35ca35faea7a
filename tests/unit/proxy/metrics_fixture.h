// Two workers that do not run, and what a scrape tells of them.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>

#include "proxy/ops/metrics.h"
#include "tests/unit/proxy/certificates.h"
#include "tests/unit/proxy/scrape.h"
#include "tests/unit/proxy/worker_fixture.h"

namespace postigo {

class MetricsTest : public WorkerTest {
 protected:
  MetricsTest() {
    config.live.listeners[0].tls = config::Tls::starttls;
    config.live.tls.certificates = {authority.issue("mail", "DNS:mail.example.org")};
  }
  void SetUp() override {
    make(2);
    MetricsSource source;
    source.shared = shared.get();
    for (auto& worker : workers) source.workers.push_back(&worker->stats());
    source.fds_limit = 1234;
    source.start_time_s = 1'750'000'000;
    source.version = "1.2.3";
    source.boringssl = "boring \"14\"";
    metrics = std::make_unique<Metrics>(source);
  }
  void TearDown() override {
    for (auto& worker : workers) worker->abandon();
  }

  std::map<std::string, ScrapedFamily> collect() const { return read_page(metrics->page()); }
  // The one metric of `name` that bears all of `labels`.
  ScrapedMetric find(const std::string& name, const std::map<std::string, std::string>& labels) const {
    std::vector<ScrapedMetric> found;
    const ScrapedFamily family = collect()[name];
    for (const ScrapedMetric& metric : family.metrics) {
      if (metric.has(labels)) found.push_back(metric);
    }
    EXPECT_EQ(found.size(), 1u) << name;
    return found.empty() ? ScrapedMetric{} : found.front();
  }
  WorkerStats& stats(size_t worker) { return workers[worker]->stats(); }

  Authority authority;
  std::unique_ptr<Metrics> metrics;
};

}  // namespace postigo
