// The rules, one after the other. Not here: what a client is told (proxy/session), who he is (entry.cc).
#include "backends/directory/conditions.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "backends/directory/fields.h"
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

// One condition at a time.
std::vector<std::string_view> bars_of(const Entry& entry, const Query& query, int64_t now_s) {
  std::vector<std::string_view> bars;
  auto look = [&](std::string_view field, bool bars_him) {
    if (bars_him) bars.push_back(field);
  };
  const config::Conditions& may = entry.may;
  look("disabled", entry.disabled);
  look("disabled_until", now_s < entry.disabled_until_s);
  look("networks", unmet({may.networks, {}, {}, 0, 0}, query, now_s).has_value());
  look("protocols", unmet({{}, may.protocols, {}, 0, 0}, query, now_s).has_value());
  look("listeners", unmet({{}, {}, may.listeners, 0, 0}, query, now_s).has_value());
  look("valid_from", now_s < may.valid_from_s);
  look("valid_until", may.valid_until_s != 0 && now_s >= may.valid_until_s);
  look("moving_until", now_s < entry.moving_until_s);
  return bars;
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

std::string bars_in_words(const Query& query, const Found& found, int64_t now_s) {
  std::string words;
  auto add = [&](const std::string& bar) { words += (words.empty() ? "" : ", ") + bar; };
  for (const std::optional<Entry>* entry : {&found.user, &found.domain}) {
    if (!*entry) continue;
    for (std::string_view field : bars_of(**entry, query, now_s)) {
      const std::string whose = entry == &found.domain ? "his domain's " : "";
      add(whose + std::string(field) + (field == "disabled" ? "" : " (" + field_text(**entry, field) + ")"));
    }
  }
  const bool by_password = query.want == Want::verdict || query.want == Want::secret;
  if (by_password && found.user && !found.user->main_password)
    add("main_password (only those for programs let him in)");
  return words;
}

int64_t earlier_end(int64_t one_s, int64_t other_s) {
  if (one_s == 0 || other_s == 0) return std::max(one_s, other_s);
  return std::min(one_s, other_s);
}

int64_t end_of(const Found& found) {
  const int64_t own_s = found.user ? found.user->may.valid_until_s : 0;
  return earlier_end(own_s, found.domain ? found.domain->may.valid_until_s : 0);
}

}  // namespace postigo
