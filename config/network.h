// Network: a range of addresses as people write it, "10.0.0.0/8" or one address, and whether an address is in it.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "parser/base/result.h"

namespace postigo::config {

// An address of either family: IPv4 as ::ffff:a.b.c.d, which is how it arrives at a listener of both.
using AnyAddress = std::array<uint8_t, 16>;

struct Network {
  AnyAddress address{};
  unsigned bits = 128;  // of `address` that count
  bool contains(const AnyAddress& other) const;
  bool operator==(const Network&) const = default;
};

// An error for what is no address, and for bits behind the mask: "10.0.0.1/8" is a slip, or another network.
Result<Network> parse_network(std::string_view text);

// Of texts that were checked before; what is none is left out.
std::vector<Network> networks_of(const std::vector<std::string>& texts);

bool any_contains(std::span<const Network> networks, const AnyAddress& address);

}  // namespace postigo::config
