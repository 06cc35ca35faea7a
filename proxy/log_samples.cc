// Not here: which lines a session leaves (session/summary.cc).
#include "proxy/log_samples.h"

#include <cstdint>

#include "backends/impersonation.h"

namespace postigo {
namespace {

// Ids count upwards: their octets are mixed (FNV-1a, and the finalizer of MurmurHash3) until all bits depend on all.
uint64_t mixed(std::string_view id) {
  uint64_t hash = 0xcbf29ce484222325;
  for (char c : id) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
  hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53;
  return hash ^ (hash >> 33);
}

}  // namespace

LogSamples log_samples(const config::Log& options) {
  LogSamples samples;
  for (const config::LogSample& each : options.samples) {
    samples.rules.push_back({each.listener, each.user, config::networks_of(each.networks), each.keep});
  }
  return samples;
}

double share_of(const LogSamples& samples, std::string_view listener, std::string_view user,
                const config::AnyAddress& client) {
  for (const LogSamples::Rule& rule : samples.rules) {
    if (!rule.listener.empty() && rule.listener != listener) continue;
    if (!rule.user.empty() && !matches_pattern(rule.user, user)) continue;
    if (!rule.networks.empty() && !config::any_contains(rule.networks, client)) continue;
    return rule.keep;
  }
  return 1;
}

bool is_kept(std::string_view id, double share) {
  constexpr double kUnit = 1.0 / (uint64_t{1} << 53);
  return static_cast<double>(mixed(id) >> 11) * kUnit < share;
}

}  // namespace postigo
