// Checks that several parts of check.h need. Not for other folders.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/report.h"

namespace postigo::config {

inline constexpr size_t kNameMax = 128;  // labels in logs and metrics

struct Named {
  std::string path;  // of the table that has the name
  std::string name;
};

// Set, not too long, and no two alike.
void check_names(const std::vector<Named>& names, Report& report);

template <typename Item>
std::vector<Named> named(const std::string& path, const std::vector<Item>& items) {
  std::vector<Named> names;
  for (size_t i = 0; i < items.size(); ++i) names.push_back({at_index(path, i), items[i].name});
  return names;
}

// Each of them is one (network.h).
void check_networks(const std::vector<std::string>& networks, const std::string& path, Report& report);

// `what` is "backend", "pool": for "there is no pool "x""; `place` may go on: " in pool "y"".
void check_reference(const std::string& name, const std::vector<std::string>& known, const std::string& what,
                     const std::string& path, Report& report, const std::string& place = {});
std::vector<std::string> backend_names(const Live& live);

// Of mail addresses; empty: none. `hint`: what to do instead.
void check_domain(const std::string& domain, const std::string& path, Report& report, const std::string& hint = {});

// A secret was asked for, in one of the three ways; if there is none now, that is told already.
bool asks_for_secret(const Report& report, const std::string& path);

// A name, "*@" and a domain, or "*".
bool is_pattern(std::string_view text);

// auth.mechanisms and auth.impersonation.
void check_mechanisms(const Live& live, Report& report);

// auth.backend_login, and what a [[backend]] says of mechanisms.
void check_backend_login(const Live& live, Report& report);

// `pool` and `shard` below `path`, either of them empty.
void check_placement(const Live& live, const std::string& pool, const std::string& shard, const std::string& path,
                     Report& report);

// [directory.ldap] and what goes with it (check_ldap.cc).
void check_ldap(const Directory& x, const std::string& path, Report& report);
void check_oauth(const Directory& x, const std::string& path, Report& report);

// One [[directory]] (check_directory.cc).
void check_directory(const Live& live, const Directory& x, const std::string& path, Report& report);

}  // namespace postigo::config
