// The text format. Not here: what families there are (tables.h).
#include "proxy/ops/families.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>

namespace postigo {
namespace {

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::counter:
      return "counter";
    case Kind::gauge:
      return "gauge";
    case Kind::histogram:
      break;
  }
  return "histogram";
}

// A value of a label. Hardly any has an octet that must be told in another way.
void append_escaped(std::string& text, std::string_view value) {
  const auto is_special = [](char c) { return c == '\\' || c == '"' || c == '\n'; };
  if (std::none_of(value.begin(), value.end(), is_special)) {
    text.append(value);
    return;
  }
  for (char c : value) {
    if (is_special(c)) text += '\\';
    text += c == '\n' ? 'n' : c;
  }
}

}  // namespace

void Families::begin(const Family& row) {
  row_ = &row;
  text_.append("# HELP ").append(row.name).append(" ").append(row.help);
  text_.append("\n# TYPE ").append(row.name).append(" ").append(name_of(row.kind)).append("\n");
}

void Families::add(const Family& row, const MetricsSource& source) {
  const size_t before = text_.size();
  begin(row);
  const size_t head = text_.size();
  row.fill(*this, source);
  if (text_.size() == head) text_.resize(before);
}

void Families::append(uint64_t number) {
  std::array<char, 24> digits;
  auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  text_.append(digits.data(), end);
}

void Families::append(double number) {
  constexpr double kWhole = 1e15;  // below it a whole number is told without an exponent
  if (number >= 0 && number < kWhole && std::trunc(number) == number) return append(static_cast<uint64_t>(number));
  std::array<char, 32> digits;
  auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, std::chars_format::general).ptr;
  text_.append(digits.data(), end);
}

void Families::set_labels(Labels values) {
  labels_.clear();
  size_t at = 0;
  for (std::string_view value : values) {
    assert(at < row_->labels.size() && !row_->labels[at].empty());
    if (at != 0) labels_ += ',';
    labels_.append(row_->labels[at++]).append("=\"");
    append_escaped(labels_, value);
    labels_ += '"';
  }
}

template <typename Number>
void Families::line(std::string_view suffix, std::string_view bound, Number number) {
  text_.append(row_->name).append(suffix);
  if (!labels_.empty() || !bound.empty()) {
    text_ += '{';
    text_.append(labels_);
    if (!labels_.empty() && !bound.empty()) text_ += ',';
    text_.append(bound) += '}';
  }
  text_ += ' ';
  append(number);
  text_ += '\n';
}

void Families::add(Labels values, uint64_t number) {
  set_labels(values);
  line("", "", number);
}

void Families::add(Labels values, double number) {
  set_labels(values);
  line("", "", number);
}

// Most histograms have the same bounds, whose text is made once.
void Families::know(std::span<const uint64_t> bounds_us) {
  if (bounds_us.data() == bounds_us_.data()) return;
  bounds_us_ = bounds_us;
  bounds_.clear();
  const size_t before = text_.size();
  for (uint64_t bound_us : bounds_us) {
    append(static_cast<double>(bound_us) / 1e6);
    bounds_.push_back("le=\"" + text_.substr(before) + '"');
    text_.resize(before);
  }
  bounds_.push_back("le=\"+Inf\"");
}

void Families::add_histogram(Labels values, std::span<const uint64_t> bounds_us, std::span<const uint64_t> counts,
                             uint64_t sum_us) {
  know(bounds_us);
  set_labels(values);
  uint64_t count = 0;
  for (size_t i = 0; i < counts.size(); ++i) line("_bucket", bounds_[i], count += counts[i]);
  line("_sum", "", static_cast<double>(sum_us) / 1e6);
  line("_count", "", count);
}

}  // namespace postigo
