// Rehearsal: a login without a client and without a backend: what a session (proxy/session/login.h) would ask, decide
// and say next, for an operator who wants to know why. Both sides of the mechanism are played here.
//
// Blocking; one thread. What is between a client and the directories has no part in it: limits, penalties, a policy
// server, orders of operators.
#pragma once

#include <optional>
#include <string>

#include "backends/router.h"
#include "config/config.h"
#include "parser/base/secret.h"
#include "parser/credentials.h"
#include "parser/sasl/mechanisms.h"
#include "proxy/base/refused.h"
#include "proxy/commands/asking.h"
#include "proxy/session/keys.h"
#include "proxy/session/naming.h"

namespace postigo::commands {

// Who comes, and how.
struct Visitor {
  std::string user, authzid;  // as he says them
  const sasl::Mechanism* mechanism = nullptr;
  Secret secret;  // a password, or a token; of no use to some mechanisms
  const config::Listener* listener = nullptr;
  std::string address;
};

struct Outcome {
  std::optional<Refused> refused;  // nothing: let in, as far as we are asked
  std::string why;                 // what a client is never told; may be empty
  Identity identity;               // when let in
  Keys keys;                       // when let in: what opens a backend's door for him
};

class Rehearsal {
 public:
  // All outlive it. REQUIRES: the visitor has a mechanism and a listener.
  Rehearsal(const config::Live& live, const Router& router, Asking& asking, const Visitor& visitor)
      : live_(live), router_(router), asking_(asking), visitor_(visitor) {}

  Outcome run();

  // Whether the listener would take this mechanism from such a client.
  static bool offered(const config::Live& live, const Visitor& visitor);

 private:
  using Passed = tl::expected<void, Refused>;

  Passed exchange(Credentials& credentials);
  Passed claim(const Credentials& credentials);
  Passed prove(const Credentials& credentials);
  Passed find_secret(Credentials& credentials, StoredSecret& kept);
  Passed identify();
  Passed find_himself();
  Passed find_other();
  Passed judge(const LookupResult& result, const Query& query);
  Query question(const std::string& user, Want want) const;
  Passed refuse(Refused reason, std::string why);
  Passed take(Identity identity, const std::string& name);
  Passed be_called_as(const std::string& otherwise, Spelling spelling);
  std::string bars_of(const Query& query) const;
  bool may_act() const;

  const config::Live& live_;
  const Router& router_;
  Asking& asking_;
  const Visitor& visitor_;
  std::string claimed_, acting_as_;  // as Login has them
  Identity identity_;
  std::optional<Verdict> unproven_;  // of an exchange: what its failure means
  bool unjudged_ = false;            // a token that no directory knows, but a backend may
  std::string why_;
};

}  // namespace postigo::commands
