// The client's side of a POP3 login: we are the server until accept().
//
// Lifetime: policy and facts outlive the dialogue. RFC 1939 (AUTHORIZATION state), 2449, 2595, 3206, 5034.
#pragma once

#include <memory>

#include "parser/front.h"
#include "parser/sasl/facts.h"

namespace postigo::pop3 {

std::unique_ptr<FrontDialogue> make_front(const FrontPolicy& policy, bool tls, const sasl::Facts& facts);

}  // namespace postigo::pop3
