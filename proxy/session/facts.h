// ConnectionFacts: what a session knows that mechanisms ask for (parser/sasl/facts.h).
//
// Outlived by its Session, on the session's thread.
#pragma once

#include <string>

#include "parser/base/secret.h"
#include "parser/sasl/facts.h"

namespace postigo {

class Session;

// 24 characters of base64 that nobody can guess: nonces, and what makes a timestamp the only one of its kind.
std::string unique_text();

class ConnectionFacts final : public sasl::Facts {
 public:
  explicit ConnectionFacts(Session& session) : session_(session) {}

  std::string unique() const override { return unique_text(); }
  std::string channel_binding(std::string_view type) const override;
  std::string certificate_name() const override;
  Bytes decoy_key() const override;

 private:
  Session& session_;
  mutable Secret decoy_key_;
};

}  // namespace postigo
