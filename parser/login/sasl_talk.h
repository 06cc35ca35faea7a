// SaslTalk: what both backs share of SASL as a client (RFC 4422): base64 both ways, "=" for an initial response that is
// empty (RFC 4959 3, RFC 5034 4). The words around it are the protocol's.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "parser/back.h"
#include "parser/base/bytes.h"
#include "parser/base/result.h"
#include "parser/base/secret.h"
#include "parser/sasl/client.h"

namespace postigo {

class SaslTalk {
 public:
  // What is said is kept in `login`, which outlives the talk, so that no text repeats it (login/echo.h).
  void begin(const sasl::ClientMechanism& mechanism, const BackPolicy& policy, BackLogin& login, bool binding_listed);
  void end() { client_.reset(); }
  bool active() const { return client_ != nullptr; }

  // Of the initial response, in base64; 0: the server speaks first, or it has been said.
  size_t initial_size() const { return initial_ ? initial_->size() : 0; }
  // It goes with the command. REQUIRES: initial_size() is not 0.
  Secret take_initial();
  // The line that answers a challenge. `text`: what stands behind the "+"; it matters only once we have spoken.
  Result<Secret> answer(Bytes text);

  bool complete() const { return client_->complete() && !initial_; }  // nothing more is to be said
  bool has_spoken() const { return spoken_; }                         // a no may be about the user from here on
  Result<bool> accepted() const { return client_->accepted(); }
  std::string reason() const { return std::string(client_->told()); }  // of the no

 private:
  Secret in_base64(const Secret& response);

  std::unique_ptr<sasl::Client> client_;
  BackLogin* login_ = nullptr;
  std::optional<Secret> initial_;  // in base64
  bool spoken_ = false;
};

}  // namespace postigo
