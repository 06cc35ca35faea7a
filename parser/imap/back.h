// IMAP towards a backend until it has logged our user in (RFC 3501, RFC 9051 6.2; RFC 2971, 4616, 4959, 7888): the
// BackDialogue of the seam.
//
// As few round trips as the backend's greeting allows: with its capabilities in the greeting, one.
#pragma once

#include <memory>

#include "parser/dialogue.h"

namespace postigo::imap {

std::unique_ptr<BackDialogue> make_back(const BackPolicy& policy, BackLogin login);

// What the client hears after Event::refused. AUTHENTICATIONFAILED, no code and ALERT (T47) become our one text for bad
// credentials (A21); other codes (EXPIRED, LIMIT, CONTACTADMIN, ...) are relayed under the client's tag.
Refusal refusal_for(const BackendReply& reply);

}  // namespace postigo::imap
