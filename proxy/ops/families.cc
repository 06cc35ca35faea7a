// Bodies of families.h.
#include "proxy/ops/families.h"

#include <cassert>
#include <limits>
#include <string>

namespace postigo {
namespace {

prometheus::MetricType type_of(Kind kind) {
  switch (kind) {
    case Kind::counter:
      return prometheus::MetricType::Counter;
    case Kind::gauge:
      return prometheus::MetricType::Gauge;
    case Kind::histogram:
      break;
  }
  return prometheus::MetricType::Histogram;
}

}  // namespace

void Families::add(const Family& row, const MetricsSource& source) {
  prometheus::MetricFamily family;
  family.name = row.name;
  family.help = row.help;
  family.type = type_of(row.kind);
  families_.push_back(std::move(family));
  row_ = &row;
  row.fill(*this, source);
  if (families_.back().metric.empty()) families_.pop_back();
}

prometheus::ClientMetric Families::labelled(Labels values) const {
  prometheus::ClientMetric metric;
  metric.label.reserve(values.size());
  size_t at = 0;
  for (std::string_view value : values) {
    assert(at < row_->labels.size() && !row_->labels[at].empty());
    metric.label.push_back({std::string(row_->labels[at++]), std::string(value)});
  }
  return metric;
}

void Families::add(Labels values, double number) {
  prometheus::ClientMetric metric = labelled(values);
  (row_->kind == Kind::counter ? metric.counter.value : metric.gauge.value) = number;
  families_.back().metric.push_back(std::move(metric));
}

double Families::infinity() { return std::numeric_limits<double>::infinity(); }

}  // namespace postigo
