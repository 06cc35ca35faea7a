// IMAP before login, as a server (RFC 3501, RFC 9051 6.1-6.2; RFC 2971, 4959, 7888): the FrontDialogue of the seam.
#pragma once

#include <memory>

#include "parser/front.h"
#include "parser/sasl/facts.h"

namespace postigo::imap {

// `policy` and `facts` outlive the dialogue. `tls`: the connection is encrypted from the start.
std::unique_ptr<FrontDialogue> make_front(const FrontPolicy& policy, bool tls, const sasl::Facts& facts);

}  // namespace postigo::imap
