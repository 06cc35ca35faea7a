// Where a client comes from, as coarse as networks are given out: what one subscriber or one rented machine has is one
// client, however many addresses that is.
#pragma once

#include <cstdint>
#include <string_view>

namespace postigo {

// The same number for addresses in one IPv4 /24 or one IPv6 /48. What is no address is a network of its own. A number
// may be that of another network by chance: nothing but fairness may depend on it.
uint64_t client_network(std::string_view address);

}  // namespace postigo
