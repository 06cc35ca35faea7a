// LdapSettings: what one [[directory]] of type "ldap" means: whom to ask, what to ask for a name, how an entry is read.
// Immutable; any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backends/directory/drivers/heard.h"
#include "backends/directory/drivers/ldap_connection.h"
#include "backends/directory/fields.h"
#include "backends/directory/name_template.h"
#include "config/config.h"
#include "parser/base/result.h"

namespace postigo {

class LdapSettings {
 public:
  // The error names the key: "ldap.filter: ...".
  static Result<LdapSettings> parse(const config::Directory& from);

  // Whether who a user is can be known without his password.
  bool searches() const { return filter_.has_value(); }
  // Whether passwords are checked by a bind, not here.
  bool binds() const { return checks_ && hash_.empty(); }

  // Null: no user there has this name, as it leaves a place empty.
  std::optional<LdapSearch> search_for(std::string_view user) const;
  std::optional<std::string> bind_name(std::string_view user, const std::string& dn) const;
  // Whom nobody is.
  std::string nobody() const;
  // For any entry with a password that is checked here.
  LdapSearch sample() const;

  // ok, or unusable with the reason.
  Heard read(const LdapEntry& entry, std::string_view user) const;
  // What a base that does not exist means.
  bool base_is_of_the_name() const;

  const LdapOptions& options() const { return options_; }
  const std::string& login() const { return login_; }
  const config::KeptSecret& password() const { return password_; }

 private:
  Result<void> parse_templates(const config::Ldap& from);
  Result<void> parse_attributes(const config::Directory& from);
  std::optional<std::string> put(Heard& heard, const std::string& name, const std::vector<std::string>& values,
                                 std::string_view user) const;

  bool checks_ = false;
  LdapOptions options_;
  std::string login_;
  config::KeptSecret password_;
  int scope_ = 0;
  std::optional<NameTemplate> base_, filter_, bind_name_;
  FieldNames fields_;
  std::string hash_;  // the attribute with hashes; empty: none is asked for
  std::vector<std::string> attributes_;
};

}  // namespace postigo
