// A small grammar of dates. Not here: time zones by name, and what a moment is good for.
#include "backends/directory/moment.h"

#include <chrono>
#include <optional>

#include "config/units.h"
#include "parser/base/ascii.h"

namespace postigo {
namespace {

constexpr size_t kCountMax = 11;  // digits of a count of seconds: more is a date

class MomentReader {
 public:
  explicit MomentReader(std::string_view text) : rest_(text) {}

  bool done() const { return rest_.empty(); }
  bool skip(char c) {
    if (rest_.empty() || to_lower(rest_.front()) != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::optional<int> digits(size_t count) {
    if (rest_.size() < count) return std::nullopt;
    int value = 0;
    for (char c : rest_.substr(0, count)) {
      if (c < '0' || c > '9') return std::nullopt;
      value = value * 10 + (c - '0');
    }
    rest_.remove_prefix(count);
    return value;
  }
  void skip_fraction() {
    if (rest_.empty() || (rest_.front() != '.' && rest_.front() != ',')) return;
    const size_t end = rest_.find_first_not_of("0123456789", 1);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end);
  }

 private:
  std::string_view rest_;
};

std::optional<int64_t> read_day(MomentReader& from) {
  auto year = from.digits(4);
  from.skip('-');
  auto month = from.digits(2);
  from.skip('-');
  auto day = from.digits(2);
  if (!year || !month || !day) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year{*year}, std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_seconds(std::chrono::sys_days(date)).time_since_epoch().count();
}

std::optional<int64_t> read_time(MomentReader& from) {
  auto hour = from.digits(2);
  from.skip(':');
  auto minute = from.digits(2);
  if (!hour || !minute || *hour > 23 || *minute > 59) return std::nullopt;
  from.skip(':');
  auto second = from.digits(2);  // may be left out
  from.skip_fraction();
  if (second.value_or(0) > 60) return std::nullopt;
  return *hour * 3600 + *minute * 60 + second.value_or(0);
}

std::optional<int64_t> read_offset(MomentReader& from) {
  if (from.done() || from.skip('z')) return 0;
  const int sign = from.skip('+') ? 1 : from.skip('-') ? -1 : 0;
  auto hours = from.digits(2);
  if (sign == 0 || !hours || *hours > 23) return std::nullopt;
  from.skip(':');
  return sign * (*hours * 3600 + from.digits(2).value_or(0) * 60);
}

std::optional<int64_t> read_date(std::string_view text) {
  MomentReader from(text);
  auto day = read_day(from);
  if (!day || from.done()) return day;
  while (from.skip(' ')) {
  }
  from.skip('t');
  auto time = read_time(from);
  from.skip(' ');
  auto offset = read_offset(from);
  if (!time || !offset || !from.done()) return std::nullopt;
  return *day + *time - *offset;
}

}  // namespace

Result<int64_t> parse_moment(std::string_view text) {
  if (text.empty() || equal_ignoring_case(text, "never")) return 0;
  if (text.size() <= kCountMax && text.find_first_not_of("0123456789") == std::string_view::npos) {
    const bool day = text.size() == 8;  // 20260801, and not the year 1970
    if (!day) return std::stoll(std::string(text));
  }
  auto moment = read_date(text);
  if (!moment) return fail("is no date and time: \"2026-08-01 18:00\" is one, in UTC");
  return *moment;
}

std::string write_moment(int64_t unix_s) { return unix_s == 0 ? std::string() : config::format_time(unix_s); }

}  // namespace postigo
