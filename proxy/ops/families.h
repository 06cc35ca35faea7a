// Families: rows of tables (name, kind, labels, help, and where the numbers come from), and the page that one scrape
// makes of them: Prometheus' text format, 0.0.4. Written at once, without objects between: ten thousand backends are a
// million lines.
//
// A Family is static. Families is one scrape's, on its thread.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
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
  // `expected`: octets of the page, about.
  explicit Families(size_t expected = 0) { text_.reserve(expected); }

  // What `row` has to tell now. A family of which there is nothing is left out.
  void add(const Family& row, const MetricsSource& source);

  // --- for Family::fill ---
  void add(Labels values, double number);
  void add(Labels values, uint64_t number);
  // Adds the counts of `parts`, all with the same bounds, as one histogram in seconds.
  template <size_t N>
  void add(Labels values, const std::vector<const Histogram<N>*>& parts) {
    std::array<uint64_t, N + 1> counts{};
    uint64_t sum_us = 0;
    for (const Histogram<N>* part : parts) {
      for (size_t i = 0; i <= N; ++i) counts[i] += part->bucket(i);
      sum_us += part->sum_us();
    }
    add_histogram(values, parts.front()->bounds_us(), counts, sum_us);
  }

  std::string take() { return std::move(text_); }

 private:
  void begin(const Family& row);
  void set_labels(Labels values);
  template <typename Number>
  void line(std::string_view suffix, std::string_view bound, Number number);
  void know(std::span<const uint64_t> bounds_us);
  void append(uint64_t number);
  void append(double number);
  // `counts`: of each bucket alone; one more than there are bounds.
  void add_histogram(Labels values, std::span<const uint64_t> bounds_us, std::span<const uint64_t> counts,
                     uint64_t sum_us);

  const Family* row_ = nullptr;  // whose metrics are being added
  std::string text_;
  std::string labels_;                   // of one metric: a="b",c="d"
  std::span<const uint64_t> bounds_us_;  // that `bounds_` are the text of
  std::vector<std::string> bounds_;      // le="0.5"
};

}  // namespace postigo
