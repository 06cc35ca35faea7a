// Not here: how sockets come to us (inheritance.cc).
#include "proxy/control/activation.h"

#include "config/units.h"

namespace postigo {

std::map<std::string, std::vector<config::Endpoint>> endpoints_of(
    const std::map<std::string, std::vector<std::string>>& names) {
  std::map<std::string, std::vector<config::Endpoint>> result;
  for (const auto& [name, addresses] : names) {
    for (const std::string& address : addresses) {
      if (auto endpoint = config::parse_endpoint(address)) result[name].push_back(*endpoint);
    }
  }
  return result;
}

void place(const std::map<std::string, std::vector<config::Endpoint>>& activated, config::Live& live) {
  for (config::Listener& listener : live.listeners) {
    if (auto found = activated.find(listener.name); found != activated.end()) listener.addresses = found->second;
  }
}

}  // namespace postigo
