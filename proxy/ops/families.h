// Families: a small writer of prometheus::MetricFamily, so that metrics.cc reads as the list of what there is.
#pragma once

#include <prometheus/metric_family.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/base/stats.h"

namespace postigo {

using Label = std::pair<std::string_view, std::string_view>;
using Labels = std::initializer_list<Label>;

class Families {
 public:
  // Starts a family; what follows belongs to it. Unit and "_total" are part of the name.
  void counter(std::string_view name, std::string_view help) { begin(name, help, prometheus::MetricType::Counter); }
  void gauge(std::string_view name, std::string_view help) { begin(name, help, prometheus::MetricType::Gauge); }
  void histogram(std::string_view name, std::string_view help) { begin(name, help, prometheus::MetricType::Histogram); }

  void add(Labels labels, double value);
  void add(Labels labels, uint64_t value) { add(labels, static_cast<double>(value)); }
  // Adds the counts of `parts`, all with the same bounds, as one histogram in seconds.
  template <size_t N>
  void add(Labels labels, const std::vector<const Histogram<N>*>& parts) {
    prometheus::ClientMetric metric = labelled(labels);
    uint64_t count = 0;
    double sum_s = 0;
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
  void begin(std::string_view name, std::string_view help, prometheus::MetricType type);
  static prometheus::ClientMetric labelled(Labels labels);
  static double infinity();

  std::vector<prometheus::MetricFamily> families_;
};

}  // namespace postigo
