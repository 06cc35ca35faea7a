// Which mechanisms a connection may use: of those that the listener has, what can work there.
//
// What shows a password needs TLS, unless the operator does not mind; what binds to TLS needs something to bind to
// (T25), and what asks for a certificate one that names somebody (A8).
#pragma once

#include <string_view>
#include <vector>

#include "parser/front.h"
#include "parser/sasl/facts.h"

namespace postigo::sasl {

enum class Offered {
  no,
  behind_tls,  // not before STARTTLS
  yes,
};

Offered offered(const FrontPolicy& policy, bool tls, const Facts& facts, Bytes mechanism);      // in any case
std::vector<std::string_view> offers(const FrontPolicy& policy, bool tls, const Facts& facts);  // without APOP
bool offers_binding(const FrontPolicy& policy, bool tls, const Facts& facts);

}  // namespace postigo::sasl
