// What a run counts: units, errors by kind, latencies. One per thread, added up at the end. Not here: how they are
// printed (report.cc).
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace postigo::bench {

// connect: no TCP connection. tls: no handshake, or a broken record. refused: NO, -ERR, BYE. closed: the end where
// none was due. protocol: an answer that is none, or the wrong tag or size. timeout: not done when the run was over.
enum class Error { connect, tls, refused, closed, protocol, checksum, timeout };
constexpr std::array<const char*, 7> kErrorNames = {"connect",  "tls",      "refused", "closed",
                                                    "protocol", "checksum", "timeout"};

// Nanoseconds in buckets that are 1/32 of a power of two wide: an error of 3 % at the most, no allocation, no sorting.
class Latencies {
 public:
  void add(int64_t ns) {
    auto value = static_cast<uint64_t>(std::max<int64_t>(ns, 0));
    ++buckets_[index(value)];
    ++count_;
    sum_ += value;
    max_ = std::max(max_, value);
  }
  void add(const Latencies& other) {
    for (size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
    count_ += other.count_;
    sum_ += other.sum_;
    max_ = std::max(max_, other.max_);
  }
  double mean_ms() const { return count_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(count_) / 1e6; }
  double max_ms() const { return static_cast<double>(max_) / 1e6; }
  double percentile_ms(double percent) const {
    auto wanted = static_cast<uint64_t>(static_cast<double>(count_) * percent / 100.0);
    uint64_t seen = 0;
    for (size_t i = 0; i < buckets_.size() && count_ > 0; ++i) {
      seen += buckets_[i];
      if (seen > wanted || seen == count_) return std::min(static_cast<double>(middle(i)) / 1e6, max_ms());
    }
    return 0;
  }

 private:
  static constexpr unsigned kBits = 5;
  static constexpr uint64_t kSteps = 1U << kBits;

  static size_t index(uint64_t value) {
    if (value < kSteps) return static_cast<size_t>(value);
    unsigned shift = static_cast<unsigned>(std::bit_width(value)) - kBits - 1;
    return std::min<size_t>((shift + 1) * kSteps + ((value >> shift) - kSteps), kBuckets - 1);
  }
  static uint64_t middle(size_t i) {
    if (i < kSteps) return i;
    size_t shift = i / kSteps - 1;
    return ((i % kSteps + kSteps) << shift) + ((uint64_t{1} << shift) >> 1);
  }

  static constexpr size_t kBuckets = kSteps * 44;  // up to two days
  std::array<uint64_t, kBuckets> buckets_{};
  uint64_t count_ = 0, sum_ = 0, max_ = 0;
};

struct Numbers {
  uint64_t units = 0, bytes = 0;
  uint64_t handshakes = 0, resumed = 0;
  Latencies latencies;
  std::array<uint64_t, kErrorNames.size()> errors{};

  void failed(Error error) { ++errors[static_cast<size_t>(error)]; }
  uint64_t all_errors() const {
    uint64_t sum = 0;
    for (uint64_t each : errors) sum += each;
    return sum;
  }
  // Errors stay: one in the warm-up is an error of the run.
  void restart() {
    auto kept = errors;
    *this = Numbers();
    errors = kept;
  }
  void add(const Numbers& other) {
    units += other.units;
    bytes += other.bytes;
    handshakes += other.handshakes;
    resumed += other.resumed;
    latencies.add(other.latencies);
    for (size_t i = 0; i < errors.size(); ++i) errors[i] += other.errors[i];
  }
};

}  // namespace postigo::bench
