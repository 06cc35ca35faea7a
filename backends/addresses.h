// Addresses as others write them: is this the one that stands in our configuration?
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace postigo {

// `said`: "192.0.2.1:143", "[2001:db8::1]:143", in any spelling of the address; without a port ("192.0.2.1",
// "2001:db8::1") any port will do. `port` 0 is nobody's. Names are compared, never asked for.
bool is_at(const std::string& host, uint16_t port, std::string_view said);

// "host:port", with brackets where they are needed.
std::string address_text(std::string_view host, std::string_view port);

}  // namespace postigo
