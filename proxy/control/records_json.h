// SRV records as JSON, for a successor and for the state file. In both kinds of JSON that this folder uses.
#pragma once

#include <string>

#include "config/srv.h"

namespace postigo {

template <typename Json>
Json json_of(const config::SrvRecords& records) {
  Json services = Json::object();
  for (const auto& [name, targets] : records) {
    for (const config::SrvTarget& each : targets) {
      services[name].push_back({each.priority, each.weight, each.port, each.host});
    }
  }
  return services;
}

// Throws what JSON throws if these are none.
template <typename Json>
config::SrvRecords records_in(const Json& services) {
  config::SrvRecords records;
  for (const auto& [name, targets] : services.items()) {
    for (const Json& each : targets) {
      records[name].push_back({each.at(0).template get<uint16_t>(), each.at(1).template get<uint16_t>(),
                               each.at(2).template get<uint16_t>(), each.at(3).template get<std::string>()});
    }
  }
  return records;
}

}  // namespace postigo
