// Listing: sessions as operators see and choose them.
//
// A row is a copy: it may go to another thread. Confined to the worker's thread otherwise.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "config/network.h"

namespace postigo {

class Session;

struct SessionRow {
  std::string id, user, client, listener, protocol, phase, backend, tls;
  bool authenticated = false;  // else `user` is only claimed
  double seconds = 0;
  uint64_t bytes_in = 0, bytes_out = 0;
};
SessionRow row_of(Session& session);

// What is empty fits everything.
struct SessionFilter {
  std::string user = {}, login = {};  // one of the two: as somebody wrote it, as logins have it
  std::string id = {}, backend = {}, listener = {}, protocol = {};
  std::optional<config::Network> network = {};  // of the client

  bool empty() const;
  bool fits(Session& session) const;
};

}  // namespace postigo
