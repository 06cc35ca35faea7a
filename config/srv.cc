// From a backend that stands for many to these. Not here: who asks for records, and when (proxy/control/discovery.cc).
#include "config/srv.h"

#include <algorithm>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "parser/base/ascii.h"
#include "parser/protocol.h"

namespace postigo::config {

namespace {

struct Service {
  std::string_view protocol;
  bool tls;
};
bool is_of(std::string_view name, std::string_view prefix) {
  return name.size() > prefix.size() && equal_ignoring_case(name.substr(0, prefix.size()), prefix);
}

std::optional<Service> service_of(std::string_view name) {
  for (const Protocol& each : protocols()) {
    if (is_of(name, each.srv)) return Service{each.name, false};
    if (is_of(name, each.srv_tls)) return Service{each.name, true};
  }
  return std::nullopt;
}

// One of those that a [[backend]] stands for.
struct SrvMember {
  Backend backend;
  uint16_t priority = 0, weight = 0;
};
using Members = std::vector<SrvMember>;

// Where records name a host with several ports, these are several backends.
bool stands_twice(const std::vector<SrvTarget>& targets, const std::string& host) {
  return std::count_if(targets.begin(), targets.end(), [&](const SrvTarget& each) { return each.host == host; }) > 1;
}

// What a host has of several protocols is one backend.
Members members_of(const Backend& written, const SrvRecords& records) {
  std::map<std::string, SrvMember> found;
  for (const std::string& name : written.srv) {
    auto targets = records.find(name);
    if (targets == records.end()) continue;
    for (const SrvTarget& target : targets->second) {
      bool twice = stands_twice(targets->second, target.host);
      auto [at, fresh] = found.try_emplace(target.host + (twice ? ':' + std::to_string(target.port) : ""));
      SrvMember& member = at->second;
      if (fresh) {
        member = {written, target.priority, target.weight};
        member.backend.srv.clear();
        member.backend.name = written.name + '/' + at->first;
        member.backend.host = target.host;
        member.backend.ports = {};
      }
      member.backend.ports[protocol_of_srv(name)] = target.port;
    }
  }
  Members members;
  for (auto& [key, member] : found) members.push_back(std::move(member));
  std::stable_sort(members.begin(), members.end(),
                   [](const SrvMember& a, const SrvMember& b) { return a.priority < b.priority; });
  return members;
}

// As long as nobody knows the targets: a service whose name has no address.
Backend nowhere(Backend written) {
  if (written.srv.empty()) return written;
  written.host = written.srv[0];
  for (const Protocol& each : protocols()) written.ports[each.name] = serves(written, each.name) ? each.port : 0;
  return written;
}

// RFC 2782: a weight of 0 is a very small chance beside others, and no weight at all without others.
std::vector<double> shares_of(const Members& members, size_t count) {
  std::vector<double> shares(count);
  double sum = 0;
  for (size_t i = 0; i < count; ++i) sum += shares[i] = std::max<double>(members[i].weight, 1);
  for (double& share : shares) share *= static_cast<double>(count) / sum;
  return shares;
}

std::vector<Shard> shards_of(const Shard& written, const Members& members) {
  auto behind = std::find_if(members.begin(), members.end(),
                             [&](const SrvMember& each) { return each.priority != members[0].priority; });
  const auto count = static_cast<size_t>(behind - members.begin());
  const std::vector<double> shares = shares_of(members, count);
  std::vector<Shard> shards;
  for (size_t i = 0; i < count; ++i) {
    Shard& shard = shards.emplace_back(written);
    shard.name = members[i].backend.name;
    shard.backends = {shard.name};
    for (auto each = behind; each != members.end(); ++each) shard.backends.push_back(each->backend.name);
    shard.weight *= shares[i];
    shard.transition.weight *= shares[i];
  }
  return shards;
}

using ByName = std::unordered_map<std::string, Members>;

void put_in_place(Shard& shard, const ByName& by_name) {
  std::vector<std::string> names;
  for (std::string& name : shard.backends) {
    auto found = by_name.find(name);
    if (found == by_name.end()) {
      names.push_back(std::move(name));
    } else {
      for (const SrvMember& member : found->second) names.push_back(member.backend.name);
    }
  }
  shard.backends = std::move(names);
}

// As `backends = [...]` of a pool makes them.
bool is_alone(const Shard& shard) { return shard.backends.size() == 1 && shard.backends[0] == shard.name; }

void put_in_place(Pool& pool, const ByName& by_name) {
  std::vector<Shard> shards;
  for (Shard& shard : pool.shards) {
    auto found = is_alone(shard) ? by_name.find(shard.name) : by_name.end();
    if (found != by_name.end()) {
      for (Shard& each : shards_of(shard, found->second)) shards.push_back(std::move(each));
    } else {
      put_in_place(shard, by_name);
      shards.push_back(std::move(shard));
    }
  }
  pool.shards = std::move(shards);
}

}  // namespace

std::string_view protocol_of_srv(std::string_view name) {
  auto service = service_of(name);
  return service ? service->protocol : std::string_view{};
}

bool srv_means_tls(std::string_view name) {
  auto service = service_of(name);
  return service && service->tls;
}

bool serves(const Backend& backend, std::string_view protocol) {
  return backend.port(protocol) != 0 ||
         std::any_of(backend.srv.begin(), backend.srv.end(),
                     [&](const std::string& name) { return protocol_of_srv(name) == protocol; });
}

std::vector<std::string> srv_names(const Live& live) {
  std::set<std::string> names;
  for (const Backend& backend : live.backends) names.insert(backend.srv.begin(), backend.srv.end());
  return {names.begin(), names.end()};
}

bool stands_for_several(const Live& live, std::string_view pool, std::string_view shard) {
  for (const Pool& each : live.pools) {
    if (each.name != pool) continue;
    for (const Shard& found : each.shards) {
      if (found.name != shard || !is_alone(found)) continue;
      return std::any_of(live.backends.begin(), live.backends.end(),
                         [&](const Backend& backend) { return backend.name == shard && !backend.srv.empty(); });
    }
  }
  return false;
}

Expanded expand(const Live& live, const SrvRecords& records) {
  Expanded all{live, {}};
  ByName by_name;
  all.live.backends.clear();
  for (size_t i = 0; i < live.backends.size(); ++i) {
    Members members = members_of(live.backends[i], records);
    for (const SrvMember& member : members) all.live.backends.push_back(member.backend);
    if (members.empty()) all.live.backends.push_back(nowhere(live.backends[i]));
    all.written.resize(all.live.backends.size(), i);
    if (!members.empty()) by_name.emplace(live.backends[i].name, std::move(members));
  }
  if (by_name.empty()) return all;
  for (Pool& pool : all.live.pools) put_in_place(pool, by_name);
  return all;
}

}  // namespace postigo::config
