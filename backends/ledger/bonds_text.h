// Bonds as octets: what a process knows of its users, for the one that takes its place.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/ledger/affinity.h"

namespace postigo {

// All bonds of now, a stripe at a time. Those with sessions last as long as these may stay (`sessions_ms`), and then as
// if the last one had ended: `lapse_ms`. Backends go by their names, which `backends` has by slot.
std::string bonds_text(Affinity& affinity, const std::vector<std::string>& backends, uint64_t sessions_ms,
                       uint64_t lapse_ms);

// Takes over what another process wrote. `slot_of` knows a backend by its name, or not. What is not understood, and all
// that follows it, is left: then those users are like new ones.
void adopt_bonds(Affinity& affinity, std::string_view text,
                 const std::function<std::optional<Affinity::Slot>(std::string_view name)>& slot_of);

}  // namespace postigo
