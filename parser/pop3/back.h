// The backend's side of a POP3 login: we are the client until logged_in. RFC 1939, 2595, 5034; Dovecot's XCLIENT.
//
// One command at a time, each answer awaited: a backend need not know PIPELINING (T44). There is no QUIT here and must
// never be one: QUIT is what deletes mail, and only the client may say it (T49).
#pragma once

#include <memory>

#include "parser/back.h"

namespace postigo::pop3 {

std::unique_ptr<BackDialogue> make_back(const BackPolicy& policy, BackLogin login);

// What the client is told after Event::refused: [AUTH] becomes our one text (A21); other codes, and texts without a
// code, are the backend's own words, because in a server without codes "mailbox locked" looks like "wrong password".
Refusal refusal_for(const BackendReply& reply);

}  // namespace postigo::pop3
