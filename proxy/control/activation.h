// Socket activation: which listener a socket of systemd's belongs to: the one of its name (FileDescriptorName=), else
// the one of its address.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/config.h"

namespace postigo {

// What Estate::names says, as a configuration would. What is no address (a unix socket) is left out.
std::map<std::string, std::vector<config::Endpoint>> endpoints_of(
    const std::map<std::string, std::vector<std::string>>& names);

// A listener for which there are sockets of its name listens there, and nowhere else.
void place(const std::map<std::string, std::vector<config::Endpoint>>& activated, config::Live& live);

}  // namespace postigo
