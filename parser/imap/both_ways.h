// BothWays: what the two directions of a relayed session share.
#pragma once

#include <memory>
#include <utility>

#include "parser/capability_policy.h"
#include "parser/imap/aliases.h"
#include "parser/imap/exchange.h"
#include "parser/relay_filter.h"

namespace postigo::imap {

struct BothWays {
  BothWays(std::shared_ptr<const CapabilityPolicy> policy_, FilterCounts counts_)
      : policy(std::move(policy_)), counts(counts_) {}

  const std::shared_ptr<const CapabilityPolicy> policy;
  const FilterCounts counts;  // verbs: kVerbs.size() entries
  Exchange exchange;
  Aliases aliases;
};

}  // namespace postigo::imap
