// Keys of which each protocol has one, and what the row of a protocol says of configuration.
//
// Texts live as long as the program.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "parser/protocol.h"

namespace postigo::config {

const char* port_key(const Protocol& protocol);          // NAME_port
const char* idle_timeout_key(const Protocol& protocol);  // NAME_idle_timeout
const std::vector<std::string>& protocol_names();
// Whether it is one on which clients expect clear text or STARTTLS, or TLS at once (RFC 8314 3).
bool is_clear_port(uint16_t port);
bool is_tls_port(uint16_t port);

}  // namespace postigo::config
