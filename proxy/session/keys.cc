// A token of the client's own is better than the master's password, as it opens one mailbox only; so is nothing else
// that we could say of him. Not here: which mechanism says it (parser/sasl/choose.h).
#include "proxy/session/keys.h"

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

bool Keys::ours(const config::Backend& backend) const {
  return !by_token(*this, backend) && (login.master || by_certificate(*this, backend));
}

}  // namespace postigo
