// ConnectionFacts: what a session knows that mechanisms ask for (parser/sasl/facts.h).
//
// Outlived by its Session, on the session's thread.
#pragma once

#include "parser/base/secret.h"
#include "parser/sasl/facts.h"

namespace postigo {

class Session;

class ConnectionFacts final : public sasl::Facts {
 public:
  explicit ConnectionFacts(Session& session) : session_(session) {}

  std::string unique() const override;
  std::string channel_binding(std::string_view type) const override;
  std::string certificate_name() const override;
  Bytes decoy_key() const override;

 private:
  Session& session_;
  mutable Secret decoy_key_;
};

}  // namespace postigo
