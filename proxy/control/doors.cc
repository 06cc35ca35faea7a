// Binding. Not here: accepting (net/listener), which worker gets which connection (the kernel decides).
#include "proxy/control/doors.h"

#include <fmt/format.h>

#include "proxy/net/listener.h"

namespace postigo {

Result<std::vector<Handout>> Doors::open(const std::vector<config::Listener>& listeners) const {
  std::vector<Handout> handouts(workers_);
  for (const config::Listener& listener : listeners) {
    for (const config::Endpoint& endpoint : listener.addresses) {
      std::optional<Address> address = Address::parse(endpoint.host, endpoint.port);
      if (!address) return fail(fmt::format("listener {}: {} is not an address", listener.name, endpoint.host));
      if (addresses_.contains(address->text())) continue;
      // Another program's port is no place for us. One of our own, at a narrower or wider address, is.
      bool exclusive = !ports_.contains(endpoint.port);
      for (Handout& handout : handouts) {
        auto fd = Listener::bind(*address, exclusive && &handout == handouts.data());
        if (!fd) return fail(fmt::format("listener {}: {}", listener.name, fd.error().message));
        handout.emplace(address->text(), Descriptor(*fd));
      }
    }
  }
  return handouts;
}

void Doors::use(const std::vector<config::Listener>& listeners) {
  addresses_.clear();
  ports_.clear();
  for (const config::Listener& listener : listeners) {
    for (const config::Endpoint& endpoint : listener.addresses) {
      addresses_.insert(Address::parse(endpoint.host, endpoint.port)->text());
      ports_.insert(endpoint.port);
    }
  }
}

}  // namespace postigo
