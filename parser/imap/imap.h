// IMAP4rev1 and IMAP4rev2 (RFC 3501, RFC 9051) as a row of the table in protocols.cc.
#pragma once

#include "parser/protocol.h"

namespace postigo {

extern const Protocol kImap;

}  // namespace postigo
