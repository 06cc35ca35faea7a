// What the targets of SASL share: every mechanism, facts that do not change, and two users with secrets.
#pragma once

#include <string>
#include <vector>

#include "parser/sasl/mechanisms.h"
#include "tests/fakes/sasl_facts.h"

namespace postigo::fuzz {

struct SteadyFacts : FakeFacts {
  SteadyFacts() {
    bindings = {{"tls-exporter", "thirty-two octets of an exporter"}};
    certificate = "carol";
  }
};

inline const sasl::Facts& facts() {
  static const SteadyFacts made;
  return made;
}

inline std::vector<std::string> all_mechanisms() {
  std::vector<std::string> names;
  for (const sasl::Mechanism& row : sasl::mechanisms()) names.emplace_back(row.name);
  return names;
}

// Everybody but "nobody" and what begins with "x" has one; little work for a loop of a million.
inline StoredSecret secret_of(Bytes user) {
  static const StoredSecret secret = secret_of_password("pencil", "W22ZaJ0SNY7soEsUEjb6gQ==", 1);
  return user == "nobody" || user.starts_with('x') ? StoredSecret() : secret;
}

}  // namespace postigo::fuzz
