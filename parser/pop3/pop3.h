// POP3 as one row of the table of protocols: RFC 1939, 2449 (CAPA), 2595 (STLS), 3206 (codes), 5034 (AUTH).
//
// Before login we are the server (front.cc) and the client (back.cc); after it the two ends talk to each other and
// filter.cc watches. What all three know about capabilities stands in capa.h.
#pragma once

#include "parser/protocol.h"

namespace postigo {

extern const Protocol kPop3;

}  // namespace postigo
