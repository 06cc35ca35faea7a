// Fields that a passdb of Dovecot's has for the next server's passdb: x-forward-NAME of IMAP's ID, FORWARD of POP3's
// XCLIENT, which is base64 of NAME=VALUE, each with Dovecot's escapes, with tabs between. Some may be secrets.
#pragma once

#include <string>
#include <vector>

#include "parser/base/bytes.h"
#include "parser/client_facts.h"

namespace postigo {

// Adds one, unless there is one of that name, it is too strange, or it would be more than 16 fields or 960 octets (A4).
void add_forward_field(std::vector<ForwardField>& fields, Bytes name, Bytes value);

// False: it is no base64. Of the fields in it those are added that may be.
bool decode_forward(Bytes base64, std::vector<ForwardField>& fields);
// Those that fit into so many octets of base64.
std::string encode_forward(const std::vector<ForwardField>& fields, size_t room);

}  // namespace postigo
