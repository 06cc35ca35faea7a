// A token of the client's own is better than the master's password, as it opens one mailbox only; so is nothing else
// that we could say of him. Not here: which mechanism says it (parser/sasl/choose.h).
#include "proxy/session/keys.h"

#include "backends/directory.h"

namespace postigo {
namespace {

bool by_token(const Keys& keys, const config::Backend& backend) {
  return backend.forward_tokens && !keys.token.empty();
}

bool by_certificate(const Keys& keys, const config::Backend& backend) {
  return keys.verified && backend.mechanism == "EXTERNAL";
}

}  // namespace

BackLogin Keys::at(const config::Backend& backend) const {
  const bool token_of_his = by_token(*this, backend);
  if (!token_of_his && !by_certificate(*this, backend)) return login;
  BackLogin made;
  made.authzid = token_of_his ? std::string() : user;
  made.authcid = user;
  if (token_of_his) made.password = token;
  made.key = token_of_his ? DoorKey::token : DoorKey::certificate;
  made.master = !token_of_his;
  made.facts = login.facts;
  return made;
}

bool Keys::fit(const config::Backend& backend) const {
  return by_token(*this, backend) || by_certificate(*this, backend) || !login.password.empty();
}

// Only a password that we checked ourselves opens the door with a key of ours.
Keys keys_of(const config::BackendLogin& how, const Identity& identity, const Credentials& credentials,
             const std::string& himself) {
  using Mode = config::BackendLogin::Mode;
  const std::string& user = identity.backend_user.empty() ? identity.user : identity.backend_user;
  Keys keys{{}, user, {}, identity.verified};
  // Of somebody who acts as another it opens the wrong door.
  if (credentials.proof == Proof::token && himself.empty()) keys.token = credentials.password;
  BackLogin& login = keys.login;
  const bool own_key = identity.verified && !identity.backend_password.empty();
  login.master = own_key || (identity.verified && how.mode != Mode::credentials);
  if (own_key) {
    login.authcid = user;
    login.password = identity.backend_password;
  } else if (identity.verified && how.mode == Mode::master_authzid) {
    login.authzid = user;
    login.authcid = how.master_user;
    login.password = Secret(how.master_password.reveal());
  } else if (identity.verified && how.mode == Mode::master_separator) {
    login.authcid = user + how.separator + how.master_user;
    login.password = Secret(how.master_password.reveal());
  } else {
    login.authcid = himself.empty() ? user : himself;
    if (!himself.empty()) login.authzid = user;
    // A token is no password, whoever may have judged it.
    if (credentials.proof == Proof::password) login.password = credentials.password;
  }
  return keys;
}

bool Keys::ours(const config::Backend& backend) const {
  return !by_token(*this, backend) && (login.master || by_certificate(*this, backend));
}

}  // namespace postigo
