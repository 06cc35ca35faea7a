// What a client says about itself with ID before login (RFC 2971), fit to be forwarded to its backend.
#pragma once

#include <optional>
#include <string>

#include "parser/base/bytes.h"
#include "parser/client_facts.h"

namespace postigo::imap {

// `arguments` is what follows the verb: ` NIL` or ` ("key" "value" ...)`. False if it is neither.
// `pairs` receives `"key" "value" ...`: quoted anew, printable ASCII, bounded; what is longer, stranger or begins with
// "x-" (a backend would believe it: A4, A28) is left out.
// `hops_left` receives the value of "x-proxy-ttl", if there is one and it is a number; `told`, if it is not null, what
// else a proxy says of its client.
bool parse_client_id(Bytes arguments, std::string& pairs, std::optional<unsigned>& hops_left,
                     ClientFacts* told = nullptr);

inline constexpr Bytes kForward = "x-forward-";  // and the name of a ForwardField
bool fits_in_quotes(Bytes value);                // printable ASCII

// `"key" "value"`: both quoted, a blank between. REQUIRES: printable ASCII.
std::string id_pair(Bytes key, Bytes value);

}  // namespace postigo::imap
