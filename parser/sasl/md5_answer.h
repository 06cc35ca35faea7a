// Md5Answer: what CRAM-MD5 and APOP have in common: a name, a blank, and 32 hexadecimal digits that only who has the
// password can make. Who makes them how is the mechanism's.
#pragma once

#include <string>

#include "parser/sasl/facts.h"
#include "parser/sasl/server.h"
#include "parser/sasl/stored_secret.h"

namespace postigo::sasl {

class Md5Answer {
 public:
  // need_secret, or done for a name that nobody has, or malformed.
  Status take(Bytes mechanism, Bytes text, Credentials& credentials);

  // `make` makes 16 octets of a password. A name without one is treated like any other to the end: they are made of
  // a text that nobody has (A21).
  template <typename Make>
  Status judge(const StoredSecret& secret, const Facts& facts, Credentials& credentials, Make make) const {
    const bool known = !secret.cleartext.empty();
    return judge(make(known ? secret.cleartext.reveal() : facts.decoy_key()), known, credentials);
  }

 private:
  Status judge(const Secret& made, bool known, Credentials& credentials) const;

  std::string digits_;
};

}  // namespace postigo::sasl
