// Durations, sizes and addresses as people write them, both ways: parse(format(x)) == x.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/config.h"
#include "parser/base/result.h"

namespace postigo::config {

// "250ms", "10s", "5m", "12h", "1d" -> milliseconds. A bare number is an error that says which units there are.
Result<uint64_t> parse_duration(std::string_view text);
std::string format_duration(uint64_t ms);  // in the largest unit that is exact

std::string format_time(int64_t unix_s);  // "2026-05-01T22:00:00Z", as in TOML

// "65536", "256k", "1m", "1g" (powers of 1024, either case) -> octets.
Result<uint64_t> parse_size(std::string_view text);
std::string format_size(uint64_t octets);

// "192.0.2.1:993", "[2001:db8::1]:993", "localhost:993"; with a default port also "192.0.2.1", "2001:db8::1" and
// "[2001:db8::1]".
Result<Endpoint> parse_endpoint(std::string_view text, uint16_t default_port = 0);
std::string format_endpoint(const Endpoint& endpoint);

// A numeric address in its shortest canonical form; nothing if it is a name. "::ffff:192.0.2.1" is 192.0.2.1.
std::optional<std::string> canonical_ip(std::string_view host);
bool is_wildcard(std::string_view host);   // 0.0.0.0 or ::
bool is_loopback(std::string_view host);   // 127.0.0.0/8, ::1 or "localhost"
bool is_host_name(std::string_view host);  // RFC 1123 labels (and "_"), at most 253 octets; not a numeric address
bool is_host(std::string_view host);       // a name or a numeric address

}  // namespace postigo::config
