// What a name and a password may consist of. Not here: whether they are right (backends/), and how names are compared.
#include "parser/sasl/credentials.h"

#include <algorithm>

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

Credentials make_claim(Bytes mechanism, Bytes authzid, Bytes user, Proof proof) {
  if (!acceptable_user(user) || !(authzid.empty() || acceptable_user(authzid))) {
    return impossible_credentials(mechanism, user);
  }
  Credentials credentials;
  credentials.mechanism = mechanism;
  credentials.user = user;
  if (authzid != user) credentials.authzid = authzid;
  credentials.proof = proof;
  return credentials;
}

// RFC 6750 2.1: what a token may consist of.
Credentials make_bearer(Bytes mechanism, Bytes user, Bytes token) {
  auto fits = [](char c) {
    return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') || Bytes("-._~+/=").find(c) != Bytes::npos;
  };
  bool possible = (user.empty() || acceptable_user(user)) && !token.empty() && token.size() <= limits::kPasswordMax &&
                  std::all_of(token.begin(), token.end(), fits);
  if (!possible) return impossible_credentials(mechanism, user);
  Credentials credentials;
  credentials.mechanism = mechanism;
  credentials.user = user;
  credentials.password = Secret(token);
  credentials.proof = Proof::token;
  return credentials;
}

bool decode_saslname(Bytes text, std::string& name) {
  name.clear();
  if (text.empty()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ',' || text[i] == '\0') return false;
    if (text[i] != '=') {
      name += text[i];
      continue;
    }
    Bytes code = text.substr(i, 3);
    if (code != "=2C" && code != "=3D") return false;
    name += code == "=2C" ? ',' : '=';
    i += 2;
  }
  return true;
}

std::string encode_saslname(Bytes name) {
  std::string text;
  for (char c : name) {
    if (c == ',') {
      text += "=2C";
    } else if (c == '=') {
      text += "=3D";
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace postigo::sasl
