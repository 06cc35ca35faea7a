// Parsing and printing of the small values that appear in strings of the file. No positions, no problems: Results.
#include "config/units.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <ctime>

#include <fmt/format.h>

#include "parser/base/ascii.h"

namespace postigo::config {

namespace {

struct Unit {
  std::string_view name;
  uint64_t factor;
};

constexpr Unit kDurations[] = {{"d", 86400'000}, {"h", 3600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}};
constexpr Unit kSizes[] = {{"g", 1u << 30}, {"m", 1u << 20}, {"k", 1u << 10}, {"", 1}};
// A hundred years, or four exabytes' worth of nonsense avoided: beyond it sums of two values could overflow.
constexpr uint64_t kValueMax = uint64_t{100} * 366 * 86400'000;

// Digits, then the unit. Nothing if there are no digits, an unknown unit, or a number beyond kValueMax.
template <size_t N>
std::optional<uint64_t> parse_units(std::string_view text, const Unit (&units)[N]) {
  uint64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  std::string unit = lower(text.substr(static_cast<size_t>(end - text.data())));
  for (const Unit& known : units) {
    if (unit != known.name) continue;
    if (number > kValueMax / known.factor) return std::nullopt;
    return number * known.factor;
  }
  return std::nullopt;
}

template <size_t N>
std::string format_units(uint64_t value, const Unit (&units)[N]) {
  for (const Unit& unit : units) {
    if (value >= unit.factor && value % unit.factor == 0) return fmt::format("{}{}", value / unit.factor, unit.name);
  }
  return fmt::format("0{}", units[N - 1].name);
}

bool all_digits(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), is_digit); }

Result<uint16_t> parse_port(std::string_view text) {
  unsigned port = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  bool whole = error == std::errc() && end == text.data() + text.size();
  if (!all_digits(text) || !whole || port < 1 || port > 65535) return fail("the port must be a number from 1 to 65535");
  return static_cast<uint16_t>(port);
}

}  // namespace

Result<uint64_t> parse_duration(std::string_view text) {
  if (auto value = parse_units(text, kDurations)) return *value;
  if (all_digits(text))
    return fail(fmt::format("a duration needs a unit: \"{0}s\", \"{0}m\" or \"{0}h\"?", text.substr(0, 20)));
  return fail("expected a duration: a whole number and one of ms, s, m, h, d, as in \"30s\" or \"35m\"");
}

std::string format_duration(uint64_t ms) { return ms == 0 ? "0s" : format_units(ms, kDurations); }

std::string format_time(int64_t unix_s) {
  std::time_t time = unix_s;
  std::tm parts{};
  gmtime_r(&time, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                     parts.tm_hour, parts.tm_min, parts.tm_sec);
}

Result<uint64_t> parse_size(std::string_view text) {
  if (auto value = parse_units(text, kSizes)) return *value;
  return fail("expected a size: a whole number of octets, or one with k, m or g, as in \"256k\"");
}

std::string format_size(uint64_t octets) { return format_units(octets, kSizes); }

Result<Endpoint> parse_endpoint(std::string_view text, uint16_t default_port) {
  if (default_port != 0) {
    bool brackets = text.size() > 2 && text.front() == '[' && text.back() == ']';
    std::string_view host = brackets ? text.substr(1, text.size() - 2) : text;
    if (is_host(host)) return Endpoint{std::string(host), default_port};
  }
  const char* shape = "expected an address and a port, as in \"0.0.0.0:993\", \"[::]:993\" or \"localhost:143\"";
  size_t colon = text.rfind(':');
  if (all_digits(text))
    return fail(fmt::format("write \"0.0.0.0:{0}\" for all of IPv4, \"[::]:{0}\" for all of IPv6", text.substr(0, 6)));
  if (colon == std::string_view::npos) return fail(shape);
  std::string_view host = text.substr(0, colon), port = text.substr(colon + 1);
  if (host.empty() || host == "*") {
    return fail(fmt::format("write \"0.0.0.0:{0}\" for all of IPv4, \"[::]:{0}\" for all of IPv6", port.substr(0, 6)));
  }
  bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (brackets) host = host.substr(1, host.size() - 2);
  bool six = host.find(':') != std::string_view::npos;
  if (six && !brackets) return fail("an IPv6 address stands in brackets, as in \"[2001:db8::1]:993\"");
  if (brackets && !six) return fail(shape);
  if (!is_host(host)) return fail(shape);
  auto number = parse_port(port);
  if (!number) return fail(number.error().message);
  return Endpoint{std::string(host), *number};
}

std::string format_endpoint(const Endpoint& endpoint) {
  bool six = endpoint.host.find(':') != std::string::npos;
  return six ? fmt::format("[{}]:{}", endpoint.host, endpoint.port)
             : fmt::format("{}:{}", endpoint.host, endpoint.port);
}

std::optional<std::string> canonical_ip(std::string_view host) {
  std::string text(host);
  if (text.find('\0') != std::string::npos) return std::nullopt;
  char buffer[INET6_ADDRSTRLEN];
  in_addr four{};
  if (inet_pton(AF_INET, text.c_str(), &four) == 1) return inet_ntop(AF_INET, &four, buffer, sizeof buffer);
  in6_addr six{};
  if (inet_pton(AF_INET6, text.c_str(), &six) != 1) return std::nullopt;
  if (IN6_IS_ADDR_V4MAPPED(&six)) {
    std::memcpy(&four, &six.s6_addr[12], sizeof four);
    return inet_ntop(AF_INET, &four, buffer, sizeof buffer);
  }
  return inet_ntop(AF_INET6, &six, buffer, sizeof buffer);
}

bool is_wildcard(std::string_view host) {
  auto ip = canonical_ip(host);
  return ip && (*ip == "0.0.0.0" || *ip == "::");
}

bool is_loopback(std::string_view host) {
  auto ip = canonical_ip(host);
  if (!ip) return equal_ignoring_case(host, "localhost");
  return *ip == "::1" || ip->rfind("127.", 0) == 0;
}

bool is_host_name(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  bool numeric = true;
  for (size_t begin = 0; begin <= host.size();) {
    size_t end = std::min(host.find('.', begin), host.size());
    std::string_view label = host.substr(begin, end - begin);
    bool letters = std::all_of(label.begin(), label.end(), [](char c) {
      char l = to_lower(c);
      return is_digit(c) || (l >= 'a' && l <= 'z') || c == '-' || c == '_';
    });
    if (label.empty() || label.size() > 63 || !letters || label.front() == '-' || label.back() == '-') return false;
    numeric = all_digits(label);
    begin = end + 1;
  }
  return !numeric;  // a last label of digits is a mistyped address (RFC 3696 2)
}

bool is_host(std::string_view host) { return canonical_ip(host).has_value() || is_host_name(host); }

}  // namespace postigo::config
