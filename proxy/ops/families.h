// Families: rows of tables (name, kind, labels, help, and where the numbers come from), and what is made of them for
// one scrape.
//
// A Family is static. Families is one scrape's, on its thread.
#pragma once

#include <prometheus/metric_family.h>

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/base/stats.h"

namespace postigo {

class Families;
struct MetricsSource;

enum class Kind : uint8_t { counter, gauge, histogram };

// One row. Unit and "_total" are part of the name.
struct Family {
  std::string_view name;
  Kind kind = Kind::gauge;
  std::array<std::string_view, 4> labels;  // their names; what is empty is none
  std::string_view help;
  void (*fill)(Families& out, const MetricsSource& source) = nullptr;
};

using Labels = std::initializer_list<std::string_view>;  // values, in the order of their names

class Families {
 public:
  // What `row` has to tell now. A family of which there is nothing is left out.
  void add(const Family& row, const MetricsSource& source);

  // --- for Family::fill ---
  void add(Labels values, double number);
  void add(Labels values, uint64_t number) { add(values, static_cast<double>(number)); }
  // Adds the counts of `parts`, all with the same bounds, as one histogram in seconds.
  template <size_t N>
  void add(Labels values, const std::vector<const Histogram<N>*>& parts) {
    prometheus::ClientMetric metric = labelled(values);
    uint64_t count = 0;
    double sum_s = 0;
    metric.histogram.bucket.reserve(N + 1);
    for (size_t i = 0; i <= N; ++i) {
      for (const Histogram<N>* part : parts) count += part->bucket(i);
      double bound = i < N ? static_cast<double>(parts.front()->bounds_us()[i]) / 1e6 : infinity();
      metric.histogram.bucket.push_back({count, bound});
    }
    for (const Histogram<N>* part : parts) sum_s += static_cast<double>(part->sum_us()) / 1e6;
    metric.histogram.sample_count = count;
    metric.histogram.sample_sum = sum_s;
    families_.back().metric.push_back(std::move(metric));
  }

  std::vector<prometheus::MetricFamily> take() { return std::move(families_); }

 private:
  prometheus::ClientMetric labelled(Labels values) const;
  static double infinity();

  const Family* row_ = nullptr;  // whose metrics are being added
  std::vector<prometheus::MetricFamily> families_;
};

}  // namespace postigo
