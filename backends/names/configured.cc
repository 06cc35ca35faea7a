// One line for each place. Not here: what becomes of a name (names.cc); lines of passwd-files (directory/passwd_table).
#include "backends/names/configured.h"

#include <string>
#include <unordered_set>

#include <fmt/format.h>

#include "backends/names/names.h"
#include "parser/base/ascii.h"

namespace postigo {
namespace {

class Walk {
 public:
  explicit Walk(const config::NameForm& form) : names_(form) {}

  void user(std::string& name, const std::string& key) {
    if (name.empty()) return;
    auto known = names_.entry(name);
    if (known) {
      name = std::move(*known);
    } else {
      problems.push_back(
          config::error_at(key, "no login has the name \"" + printable(name) + "\": " + known.error().message));
    }
  }
  void domain(std::string& domain) { domain = names_.domain(domain); }
  void pattern(std::string& who, const std::string& key) {
    if (who.starts_with("*@")) {
      who = "*@" + names_.domain(who.substr(2));
    } else if (who != "*") {
      user(who, key);
    }
  }
  void users(config::Directory& directory, size_t index);

  config::Problems problems;

 private:
  Names names_;
};

void Walk::users(config::Directory& directory, size_t index) {
  std::unordered_set<std::string> seen;
  for (size_t i = 0; i < directory.users.size(); ++i) {
    std::string& name = directory.users[i].name;
    const std::string key = fmt::format("directory[{}].user[{}].name", index, i), written = name;
    user(name, key);
    if (name.empty() || seen.insert(name).second) continue;
    problems.push_back(config::error_at(
        key, fmt::format("the user \"{}\" stands here twice, once as \"{}\"", printable(name), printable(written))));
  }
}

}  // namespace

config::NameForm name_form(const config::Live& live) {
  config::NameForm form = live.names;
  form.lowercase = live.routing.lowercase;
  form.default_domain = live.routing.default_domain;
  return form;
}

config::Problems normalise_names(config::Live& live) {
  Walk walk(name_form(live));
  for (size_t i = 0; i < live.routing.rules.size(); ++i) {
    walk.user(live.routing.rules[i].user, fmt::format("routing.rule[{}].user", i));
    walk.domain(live.routing.rules[i].domain);
  }
  for (size_t i = 0; i < live.limits.classes.size(); ++i) {
    walk.user(live.limits.classes[i].user, fmt::format("limits.class[{}].user", i));
    walk.domain(live.limits.classes[i].domain);
  }
  for (size_t i = 0; i < live.auth.impersonation.size(); ++i) {
    walk.pattern(live.auth.impersonation[i].who, fmt::format("auth.impersonation[{}].who", i));
    walk.pattern(live.auth.impersonation[i].whom, fmt::format("auth.impersonation[{}].whom", i));
  }
  for (size_t i = 0; i < live.log.samples.size(); ++i) {
    walk.pattern(live.log.samples[i].user, fmt::format("log.sample[{}].user", i));
  }
  walk.user(live.auth.anonymous_user, "auth.anonymous_user");
  for (size_t i = 0; i < live.auth.directories.size(); ++i) walk.users(live.auth.directories[i], i);
  return std::move(walk.problems);
}

}  // namespace postigo
