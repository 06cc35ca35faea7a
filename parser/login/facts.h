// What a backend that trusts us is told of the client, and what a proxy before us tells, with Dovecot's names: IMAP's
// ID and POP3's XCLIENT say the same. The fields of passdbs are apart (forward_fields.h).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "parser/base/bytes.h"
#include "parser/client_facts.h"

namespace postigo {

struct Fact {
  std::string_view id_key, xclient_key;
  std::string value;  // safe in a quoted string and as a word of a line
};

// In the order in which Dovecot says them. What is unknown, or could not stand there safely, is left out (A3, A4):
// Dovecot 2.4 refuses the whole command for one value that it cannot read.
std::vector<Fact> facts_to_tell(const ClientFacts& facts);

// Nothing is known, for take_fact() to fill in.
std::unique_ptr<ClientFacts> nothing_told();
// A key of either command. The first value of a key counts. False: the value cannot be; a key that nobody knows is none
// of ours. Hops are not taken (FrontDialogue::hops_left).
bool take_fact(ClientFacts& told, Bytes key, Bytes value);

}  // namespace postigo
