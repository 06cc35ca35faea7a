// Bodies of families.h.
#include "proxy/ops/families.h"

#include <limits>

namespace postigo {

void Families::begin(std::string_view name, std::string_view help, prometheus::MetricType type) {
  prometheus::MetricFamily family;
  family.name = name;
  family.help = help;
  family.type = type;
  families_.push_back(std::move(family));
}

prometheus::ClientMetric Families::labelled(Labels labels) {
  prometheus::ClientMetric metric;
  for (const Label& label : labels) metric.label.push_back({std::string(label.first), std::string(label.second)});
  return metric;
}

void Families::add(Labels labels, double value) {
  prometheus::ClientMetric metric = labelled(labels);
  if (families_.back().type == prometheus::MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  families_.back().metric.push_back(std::move(metric));
}

double Families::infinity() { return std::numeric_limits<double>::infinity(); }

}  // namespace postigo
