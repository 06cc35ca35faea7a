// Names: what the name of a login becomes before anybody is asked, and before anything is remembered of it. Every way
// in uses it: logins, tokens' claims, certificates, directories' entries, rules, verbs, where mail is delivered.
//
// In this order: case (A to Z), rewrite rules, default domain, the domain's one spelling (IDN) and its alias, what
// stands behind a delimiter, the domain again if it is to go. All of it is done again until nothing changes any more,
// so that a name that was normalised is normalised: normalise(normalise(x)) is normalise(x). Names are octets: of what
// may be half of a character nothing is changed (user_name.h, T76).
//
// Immutable after construction, any number of threads. A fleet shares the configuration, and with it the names.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "config/load.h"
#include "config/names.h"
#include "parser/base/result.h"

namespace postigo {

class Names {
 public:
  // What config cannot check: expressions, groups that do not exist, rules that may make empty names or never come to
  // rest, international domains. Keys as in the file ("names.rewrite[0].match").
  static config::Problems check(const config::NameForm& form);

  // REQUIRES: check(form) is empty.
  explicit Names(const config::NameForm& form);
  ~Names();
  Names(Names&&) noexcept;
  Names& operator=(Names&&) noexcept;

  // "" is "". An Error says why no login has this name: it is too long, has characters that names do not have, becomes
  // empty, or is changed for ever. Whoever claims it is refused as a wrong name is, and nobody is asked.
  Result<std::string> normalise(std::string_view name) const;
  // Of a domain alone, without "@".
  std::string domain(std::string_view domain) const;
  // As directories have it: a name, or "@example.com" for a domain.
  Result<std::string> entry(std::string_view name) const;

 private:
  struct Parts;
  bool is_plain(std::string_view name) const;

  std::unique_ptr<const Parts> parts_;
  std::array<bool, 256> plain_{};  // octets that are nothing to think about
  bool needs_domain_ = false;
  bool never_plain_ = false;
  size_t length_max_;
};

}  // namespace postigo
