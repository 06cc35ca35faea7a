// The client's side of each mechanism, for a rehearsal: it says what a right client would say with this name and
// secret.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "parser/base/bytes.h"
#include "parser/base/secret.h"
#include "parser/sasl/facts.h"

namespace postigo::commands {

struct Visitor;

class PlayedClient {
 public:
  virtual ~PlayedClient() = default;
  virtual std::optional<Secret> initial() { return std::nullopt; }  // nothing: the server speaks first
  virtual Secret respond(Bytes /*challenge*/) { return {}; }
};

// Both outlive it. `timestamp`: of the greeting, for APOP.
std::unique_ptr<PlayedClient> make_played_client(const Visitor& visitor, const sasl::Facts& facts, Bytes timestamp);

// Whether such a client can say whom it wants to act as.
bool carries_authzid(std::string_view mechanism);

}  // namespace postigo::commands
