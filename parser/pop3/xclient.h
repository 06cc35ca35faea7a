// Dovecot's XCLIENT for POP3: tells a backend that trusts us who the client is (pop3-login, since 2.0).
#pragma once

#include <string>

#include "parser/dialogue.h"

namespace postigo::pop3 {

// The command without CRLF. A fact whose text could not stand in it safely is left out (A4).
std::string xclient_command(const ClientFacts& facts);

}  // namespace postigo::pop3
