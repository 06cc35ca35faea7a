// What a proxy says of its client in the dialogue (ID, XCLIENT), put where logs, limits, penalties and backends look
// for it: the sibling of a PROXY header (preamble.h).
#pragma once

#include "parser/client_facts.h"
#include "proxy/session/summary.h"

namespace postigo {

// REQUIRES: the proxy is believed (Frontend::speaks).
void note_told(Summary& summary, const ClientFacts& told);

}  // namespace postigo
