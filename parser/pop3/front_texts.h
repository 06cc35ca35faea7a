// The words of the POP3 front: complete lines of static lifetime.
#pragma once

#include "parser/base/bytes.h"
#include "parser/farewell.h"
#include "parser/refusal.h"

namespace postigo::pop3 {

// RFC 2449 8.1 and RFC 3206. One text for every bad credential (A21).
Bytes refusal_text(const Refusal& refusal);

Bytes farewell_text(Farewell why);

}  // namespace postigo::pop3
