// From configuration to requests, from an entry to ours. Not here: connections and verdicts (ldap.cc).
#include "backends/directory/drivers/ldap_settings.h"

#include <ldap.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "backends/directory/drivers/ldap_escape.h"
#include "backends/directory/password.h"
#include "parser/base/ascii.h"

namespace postigo {
namespace {

constexpr const char* kSystemAuthorities = "/etc/ssl/certs/ca-certificates.crt";
constexpr std::array<const char*, 5> kOurFields = {"pool", "shard", "backend_user", "disabled", "enabled"};

int scope_of(config::Ldap::Scope scope) {
  switch (scope) {
    case config::Ldap::Scope::subtree:
      return LDAP_SCOPE_SUBTREE;
    case config::Ldap::Scope::one:
      return LDAP_SCOPE_ONELEVEL;
    case config::Ldap::Scope::base:
      break;
  }
  return LDAP_SCOPE_BASE;
}

Result<std::optional<NameTemplate>> template_of(const char* key, const std::string& text) {
  if (text.empty()) return std::nullopt;
  auto parsed = NameTemplate::parse(text);
  if (!parsed) return fail(std::string("ldap.") + key + ": " + parsed.error().message);
  return std::optional(std::move(*parsed));
}

bool has_places(const NameTemplate& made) {
  return std::any_of(made.parts().begin(), made.parts().end(), [](const auto& part) { return part.place != 0; });
}

// What stands nowhere is no name: "(uid=)", "uid=,ou=people".
bool leaves_nothing_empty(const NameTemplate& made, std::string_view user) {
  return std::none_of(made.parts().begin(), made.parts().end(), [&](const auto& part) {
    return part.place != 0 && NameTemplate::value(part.place, user).empty();
  });
}

// libldap reads a filter before it looks for a server: there is none here.
bool is_filter(const std::string& filter) {
  LDAP* ldap = nullptr;
  if (ldap_initialize(&ldap, "ldapi://%2Fnonexistent%2Fsocket") != LDAP_SUCCESS) return true;
  int id = 0;
  const int sent =
      ldap_search_ext(ldap, "", LDAP_SCOPE_BASE, filter.c_str(), nullptr, 0, nullptr, nullptr, nullptr, 1, &id);
  ldap_unbind_ext(ldap, nullptr, nullptr);
  return sent != LDAP_FILTER_ERROR;
}

bool is_dn(const std::string& text) {
  LDAPDN dn = nullptr;
  const bool is = ldap_str2dn(text.c_str(), &dn, LDAP_DN_FORMAT_LDAPV3) == LDAP_SUCCESS;
  if (dn != nullptr) ldap_dnfree(dn);
  return is;
}

// RFC 4519 2.41: without a scheme it is the password itself.
std::string with_scheme(const std::string& value) {
  return value.starts_with('{') || value.starts_with('$') ? value : "{PLAIN}" + value;
}

// Of several the first that is of use.
std::string hash_among(const std::vector<std::string>& values) {
  for (const std::string& value : values) {
    if (check_stored_password(with_scheme(value))) return with_scheme(value);
  }
  return values.empty() ? std::string() : with_scheme(values.front());
}

// As the directory writes it, unless that differs from what we asked for in nothing but case and we asked in lower
// case, which is how names are normalised.
std::string name_among(const std::vector<std::string>& values, std::string_view user) {
  for (const std::string& value : values) {
    if (equal_ignoring_case(value, user)) return lower(user) == user ? std::string(user) : value;
  }
  return values.front();
}

}  // namespace

Result<LdapSettings> LdapSettings::parse(const config::Directory& from) {
  LdapSettings made;
  made.checks_ = from.check_password;
  made.options_ = {from.tls == config::Directory::Tls::starttls, from.tls_verify,
                   from.tls_ca.empty() ? kSystemAuthorities : from.tls_ca, from.timeout_ms};
  made.login_ = from.login;
  made.password_ = from.password;
  made.scope_ = scope_of(from.ldap.scope);
  if (auto parsed = made.parse_templates(from.ldap); !parsed) return tl::unexpected(parsed.error());
  if (auto parsed = made.parse_attributes(from); !parsed) return tl::unexpected(parsed.error());
  if (!from.tls_ca.empty() && access(from.tls_ca.c_str(), R_OK) != 0) {
    return fail("tls_ca: cannot read " + from.tls_ca);
  }
  return made;
}

Result<void> LdapSettings::parse_templates(const config::Ldap& from) {
  auto base = template_of("base", from.base);
  auto filter = template_of("filter", from.filter);
  auto bind_name = template_of("bind_dn", from.bind_dn);
  for (auto* each : {&base, &filter, &bind_name}) {
    if (!*each) return tl::unexpected(each->error());
  }
  base_ = std::move(*base);
  filter_ = std::move(*filter);
  bind_name_ = std::move(*bind_name);
  if (filter_ && !is_filter(filter_->fill("joe@example.com", escape_in_filter))) {
    return fail("ldap.filter: \"" + from.filter + "\" is no filter (RFC 4515)");
  }
  if (base_ && !is_dn(base_->fill("joe@example.com", escape_in_dn))) {
    return fail("ldap.base: \"" + from.base + "\" is no distinguished name (RFC 4514)");
  }
  return {};
}

Result<void> LdapSettings::parse_attributes(const config::Directory& from) {
  auto names = FieldNames::parse(from.fields);
  if (!names) return fail("fields: " + names.error().message);
  fields_ = std::move(*names);
  std::string hash = from.ldap.password;
  std::vector<std::string_view> told;
  for (const auto& [theirs, ours] : fields_.pairs()) {
    told.push_back(ours);
    if (equal_ignoring_case(ours, "password")) {
      hash = theirs;
    } else {
      attributes_.push_back(theirs);
    }
  }
  for (const char* ours : kOurFields) {
    if (std::find(told.begin(), told.end(), ours) == told.end()) attributes_.emplace_back(ours);
  }
  if (checks_ && !hash.empty()) {
    hash_ = std::move(hash);
    attributes_.push_back(hash_);
  }
  return {};
}

std::optional<LdapSearch> LdapSettings::search_for(std::string_view user) const {
  if (!leaves_nothing_empty(*base_, user) || !leaves_nothing_empty(*filter_, user)) return std::nullopt;
  return LdapSearch{base_->fill(user, escape_in_dn), scope_, filter_->fill(user, escape_in_filter), attributes_};
}

std::optional<std::string> LdapSettings::bind_name(std::string_view user, const std::string& dn) const {
  if (!bind_name_) return dn.empty() ? std::nullopt : std::optional(dn);
  if (!leaves_nothing_empty(*bind_name_, user)) return std::nullopt;
  return bind_name_->fill(user, escape_in_dn);
}

std::string LdapSettings::nobody() const { return "cn=nobody," + base_->fill("nobody@nowhere.invalid", escape_in_dn); }

LdapSearch LdapSettings::sample() const {
  return {base_->fill("nobody@nowhere.invalid", escape_in_dn), scope_, '(' + hash_ + "=*)", {hash_}, 1};
}

bool LdapSettings::base_is_of_the_name() const { return has_places(*base_); }

Heard LdapSettings::read(const LdapEntry& entry, std::string_view user) const {
  Heard heard{Verdict::ok};
  for (const auto& [name, values] : entry.attributes) {
    if (values.empty()) continue;
    if (auto wrong = put(heard, name, values, user)) return {Verdict::unusable, {}, {}, "entry of the user: " + *wrong};
  }
  return heard;
}

// What is wrong with it, or nothing. Attributes that were not asked for are none of ours, whatever they are called.
std::optional<std::string> LdapSettings::put(Heard& heard, const std::string& name,
                                             const std::vector<std::string>& values, std::string_view user) const {
  auto asked = [&](const std::string& each) { return equal_ignoring_case(each, name); };
  if (std::none_of(attributes_.begin(), attributes_.end(), asked)) return std::nullopt;
  if (!hash_.empty() && equal_ignoring_case(name, hash_)) {
    heard.entry.password = hash_among(values);
    return std::nullopt;
  }
  const std::string_view ours = fields_.ours(name);
  if (equal_ignoring_case(ours, "user")) {
    heard.name = name_among(values, user);
    return may_be_asked(heard.name) ? std::nullopt : std::optional(name + " is no name");
  }
  if (values.size() > 1) return name + " has more than one value";
  auto set = set_field(heard.entry, ours, values.front());
  return set ? std::nullopt : std::optional(set.error().message);
}

}  // namespace postigo
