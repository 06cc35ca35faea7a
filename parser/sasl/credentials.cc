// What a name and a password may consist of. Not here: whether they are right (backends/), and how names are compared.
#include "parser/sasl/credentials.h"

#include "parser/base/ascii.h"
#include "parser/base/limits.h"

namespace postigo::sasl {
namespace {

bool acceptable(Bytes text, size_t max) { return !text.empty() && text.size() <= max && fits_in_line(text); }

}  // namespace

bool acceptable_user(Bytes user) { return acceptable(user, limits::kUserMax); }

// An empty password is refused too: RFC 4616 wants at least one character, and some LDAP servers take a bind without
// one for a success (RFC 4513 5.1.2).
bool acceptable_password(Bytes password) { return acceptable(password, limits::kPasswordMax); }

Credentials make_credentials(Bytes mechanism, Bytes authzid, Bytes user, Bytes password) {
  bool possible =
      acceptable_user(user) && acceptable_password(password) && (authzid.empty() || acceptable_user(authzid));
  if (!possible) return impossible_credentials(mechanism, user);
  Credentials credentials;
  credentials.mechanism = mechanism;
  credentials.user = user;
  // To act as oneself needs nobody's permission; anything else is kept for who decides (T24).
  if (authzid != user) credentials.authzid = authzid;
  credentials.password = Secret(password);
  return credentials;
}

Credentials impossible_credentials(Bytes mechanism, Bytes user) {
  Credentials credentials;
  credentials.mechanism = mechanism;
  credentials.user = user.substr(0, limits::kUserMax);
  credentials.possible = false;
  return credentials;
}

}  // namespace postigo::sasl
