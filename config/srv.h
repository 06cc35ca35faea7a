// Backends by SRV records (RFC 2782): one [[backend]] with `srv` stands for one backend at each target of the records.
//
// Pure: what name servers say is passed in. The same records give the same backends in the same order, so that every
// instance sends a user to the same place.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace postigo::config {

struct SrvTarget {
  uint16_t priority = 0, weight = 0, port = 0;
  std::string host;  // in lower case, without a dot at the end
  auto operator<=>(const SrvTarget&) const = default;
};

// Targets by the name of their records, sorted; a name without targets was not answered yet.
using SrvRecords = std::map<std::string, std::vector<SrvTarget>, std::less<>>;

// "imap" or "pop3" for _imap._tcp, _imaps._tcp, _pop3._tcp and _pop3s._tcp before a domain; else empty.
std::string_view protocol_of_srv(std::string_view name);
bool srv_means_tls(std::string_view name);  // _imaps, _pop3s

// Whether a backend serves it as it is written: its targets may not be known yet.
bool serves(const Backend& backend, std::string_view protocol);

std::vector<std::string> srv_names(const Live& live);  // of all backends, each once

struct Expanded {
  Live live;
  std::vector<size_t> written;  // for each backend its index in the configuration that was given
};

// Whether that shard of that pool becomes one for each target.
bool stands_for_several(const Live& live, std::string_view pool, std::string_view shard);

// Each [[backend]] with records becomes one backend per target, NAME/TARGET. Where it is named in a pool's `backends`
// each of them is a shard, with its share of the weight; those of a higher number of priority stand behind each of
// these. In a shard's own list they stand in its place, by priority. One without records stays, and reaches nobody.
Expanded expand(const Live& live, const SrvRecords& records);

}  // namespace postigo::config
