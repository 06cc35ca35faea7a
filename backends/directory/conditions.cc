// The rules, one after the other. Not here: what a client is told (proxy/session), who he is (entry.cc).
#include "backends/directory/conditions.h"

#include <algorithm>

#include "config/network.h"

namespace postigo {
namespace {

bool is_from(const std::vector<std::string>& networks, const std::string& client_ip) {
  if (networks.empty()) return true;
  auto client = config::parse_network(client_ip);
  if (!client) return false;
  return config::any_contains(config::networks_of(networks), client->address);
}

bool is_one_of(const std::vector<std::string>& allowed, std::string_view one) {
  return allowed.empty() || std::find(allowed.begin(), allowed.end(), one) != allowed.end();
}

std::optional<Barred> barred_by(const Entry& entry, const Query& query, int64_t now_s) {
  if (entry.disabled || now_s < entry.disabled_until_s) return Barred::disabled;
  return unmet(entry.may, query, now_s);
}

}  // namespace

std::optional<Barred> unmet(const config::Conditions& conditions, const Query& query, int64_t now_s) {
  if (now_s < conditions.valid_from_s) return Barred::not_now;
  if (conditions.valid_until_s != 0 && now_s >= conditions.valid_until_s) return Barred::not_now;
  const bool here = is_one_of(conditions.protocols, query.protocol) &&
                    is_one_of(conditions.listeners, query.listener) && is_from(conditions.networks, query.client_ip);
  return here ? std::nullopt : std::optional(Barred::not_here);
}

std::optional<Barred> barred(const Query& query, const Found& found, int64_t now_s) {
  bool moving = false;
  for (const std::optional<Entry>* entry : {&found.user, &found.domain}) {
    if (!*entry) continue;
    if (auto why = barred_by(**entry, query, now_s)) return why;
    moving = moving || now_s < (*entry)->moving_until_s;
  }
  return moving ? std::optional(Barred::moving) : std::nullopt;
}

std::optional<Barred> barred_with_password(const Query& query, const Found& found, int64_t now_s) {
  if (found.user && !found.user->main_password) return Barred::not_here;
  return barred(query, found, now_s);
}

}  // namespace postigo
