// NamedBackends: which [[backend]] somebody means by a name or an address, and where it stands.
//
// Immutable; any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/balance/siphash.h"
#include "config/config.h"
#include "parser/base/result.h"

namespace postigo {

class NamedBackends {
 public:
  // Indices into what config::Live has.
  struct Place {
    size_t backend = 0, pool = 0, shard = 0;  // the first pool and shard that it stands in
  };

  explicit NamedBackends(const config::Live& live);

  // `said`: a name, or an address as in addresses.h, whose port is that of `protocol`. Fails if it is no backend of a
  // pool that serves the protocol.
  Result<Place> find(const std::string& said, std::string_view protocol) const;

 private:
  std::optional<size_t> meant(const std::string& said, std::string_view protocol) const;

  std::vector<config::Backend> backends_;
  std::vector<std::optional<Place>> places_;  // of each; none: it is in no pool
  NameMap<size_t> by_name_;
};

}  // namespace postigo
