// IMAP towards a backend until it has logged our user in (RFC 3501, RFC 9051 6.2; RFC 2971, 4616, 4959, 7888): the
// BackDialogue of the seam.
//
// As few round trips as the backend's greeting allows: with its capabilities in the greeting, one.
#pragma once

#include <memory>

#include "parser/back.h"

namespace postigo::imap {

std::unique_ptr<BackDialogue> make_back(const BackPolicy& policy, BackLogin login);

// What the client hears after Event::refused. Codes of RFC 5530 that are about the user (EXPIRED, LIMIT, CONTACTADMIN,
// ...) are told with our words; everything else becomes our one text for bad credentials (A21).
Refusal refusal_for(const BackendReply& reply);

}  // namespace postigo::imap
