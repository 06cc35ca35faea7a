// The text format, octet for octet.
#include "proxy/ops/families.h"

#include <gtest/gtest.h>

#include "proxy/ops/metrics.h"

namespace postigo {
namespace {

std::string page(const Family& row) {
  Families out;
  MetricsSource nothing;
  out.add(row, nothing);
  return out.take();
}

TEST(FamiliesTest, NumbersAsTheyAre) {
  EXPECT_EQ(page({"a_limit", Kind::gauge, {}, "What.", [](Families& out, const MetricsSource&) { out.add({}, 2.5); }}),
            "# HELP a_limit What.\n# TYPE a_limit gauge\na_limit 2.5\n");
  EXPECT_EQ(page({"b",
                  Kind::counter,
                  {"x"},
                  "-",
                  [](Families& out, const MetricsSource&) {
                    out.add({"0"}, 0.0);
                    out.add({"1"}, 1'750'000'000.0);
                    out.add({"2"}, uint64_t{18'000'000'000'000'000'000U});
                    out.add({"3"}, -1.0);
                    out.add({"4"}, 0.0001);
                  }}),
            "# HELP b -\n# TYPE b counter\nb{x=\"0\"} 0\nb{x=\"1\"} 1750000000\nb{x=\"2\"} 18000000000000000000\n"
            "b{x=\"3\"} -1\nb{x=\"4\"} 0.0001\n");
}

// Names of backends are whatever the configuration says.
TEST(FamiliesTest, ALabelsValueCannotEndIt) {
  EXPECT_EQ(page({"a",
                  Kind::gauge,
                  {"x", "y"},
                  "-",
                  [](Families& out, const MetricsSource&) {
                    out.add({"\"} 1\n#", "\\"}, uint64_t{1});
                  }}),
            "# HELP a -\n# TYPE a gauge\na{x=\"\\\"} 1\\n#\",y=\"\\\\\"} 1\n");
}

TEST(FamiliesTest, AHistogramHasItsSumAndCount) {
  static constexpr std::array<uint64_t, 2> kBoundsUs = {500'000, 2'000'000};
  static Histogram<2> one(kBoundsUs), other(kBoundsUs);
  one.observe_us(100);
  other.observe_us(1'000'000);
  other.observe_us(9'000'000);
  EXPECT_EQ(page({"h_seconds",
                  Kind::histogram,
                  {"x"},
                  "-",
                  [](Families& out, const MetricsSource&) {
                    out.add({"1"}, std::vector<const Histogram<2>*>{&one, &other});
                  }}),
            "# HELP h_seconds -\n# TYPE h_seconds histogram\nh_seconds_bucket{x=\"1\",le=\"0.5\"} 1\n"
            "h_seconds_bucket{x=\"1\",le=\"2\"} 2\nh_seconds_bucket{x=\"1\",le=\"+Inf\"} 3\n"
            "h_seconds_sum{x=\"1\"} 10.0001\nh_seconds_count{x=\"1\"} 3\n");
}

TEST(FamiliesTest, NothingIsNotTold) {
  EXPECT_EQ(page({"a", Kind::gauge, {"x"}, "-", [](Families&, const MetricsSource&) {}}), "");
}

}  // namespace
}  // namespace postigo
