// Keys: all that may open a backend's door for one login. Which of it does depends on the backend's section.
#pragma once

#include <string>

#include "config/config.h"
#include "parser/back.h"
#include "parser/base/secret.h"
#include "parser/credentials.h"

namespace postigo {

struct Identity;

struct Keys {
  BackLogin login;        // with a password: his own, the master's, or a directory's; empty: there is none
  std::string user = {};  // whom to log in there
  Secret token = {};      // that the client came with; empty: none, or not one of whom to log in
  bool verified = false;  // we know who he is, so that our certificate may speak for him

  // What is said there. REQUIRES: fit().
  BackLogin at(const config::Backend& backend) const;
  bool fit(const config::Backend& backend) const;
  // A refusal there is between us and the backend, and not about him.
  bool ours(const config::Backend& backend) const;
};

// Of a login for `identity`, whose `credentials` a client said. `himself`: who he is, if he acts as somebody else; else
// empty. Without the facts about him.
Keys keys_of(const config::BackendLogin& how, const Identity& identity, const Credentials& credentials,
             const std::string& himself);

}  // namespace postigo
