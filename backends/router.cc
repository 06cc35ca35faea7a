// The order of decisions: what a directory said, then the first rule that matches, then the hash over the pool's
// shards. Not here: whether a backend is up (the caller walks the candidates), and the hash itself
// (balance/rendezvous.cc).
#include "backends/router.h"

#include <algorithm>
#include <cassert>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "backends/balance/rendezvous.h"
#include "backends/balance/siphash.h"
#include "backends/named_backends.h"
#include "backends/names/configured.h"
#include "backends/names/octet_regex.h"
#include "backends/user_name.h"
#include "parser/base/ascii.h"
#include "parser/protocol.h"

namespace postigo {
namespace {

struct ShardTable {
  std::string name;
  double weight = 1.0;
  std::vector<const config::Backend*> backends;
};

struct PoolTable {
  std::string name;
  std::vector<ShardTable> shards;
  NameMap<size_t> shard_by_name;
  Rendezvous hash;
  config::Pool settings;
  std::map<std::string, std::vector<const config::Backend*>, std::less<>> members;  // of a shared one, by protocol
  std::map<const config::Backend*, double> weights;                                 // of their shards

  void list_members();
  const ShardTable* find(std::string_view shard) const {
    auto found = shard_by_name.find(shard);
    return found == shard_by_name.end() ? nullptr : &shards[found->second];
  }
};

void PoolTable::list_members() {
  for (const ShardTable& shard : shards) {
    for (const config::Backend* backend : shard.backends) {
      if (!weights.emplace(backend, shard.weight).second) continue;
      for (const Protocol& each : protocols()) {
        if (backend->port(each.name) != 0) members[std::string(each.name)].push_back(backend);
      }
    }
  }
}

struct RuleTable {
  const PoolTable* pool = nullptr;
  const ShardTable* shard = nullptr;  // null: hash
  std::optional<OctetRegex> regex;    // none: exact, found through a map
  std::string words;                  // for explain()
};

void complain(std::vector<config::Problem>& problems, std::string key, std::string message) {
  config::Problem problem;
  problem.key = std::move(key);
  problem.message = std::move(message);
  problems.push_back(std::move(problem));
}

}  // namespace

struct Router::Choice {
  const PoolTable* pool = nullptr;
  const ShardTable* shard = nullptr;
  const RuleTable* rule = nullptr;           // null: the directory's word, or nobody's
  const config::Backend* backend = nullptr;  // there, and nowhere else
  bool by_directory = false;
  bool by_hash = false;

  std::string reason() const;
};

struct Router::Tables {
  Names forms;
  std::vector<config::Backend> backends;
  NamedBackends names;
  std::vector<PoolTable> pools;
  NameMap<size_t> pool_by_name;
  const PoolTable* default_pool = nullptr;
  std::vector<RuleTable> rules;
  NameMap<size_t> user_rules, domain_rules;  // name -> the first rule with it
  std::vector<size_t> regex_rules;           // in file order

  Tables(const config::Live& live, std::vector<config::Problem>& problems);
  void add_pool(const config::Pool& from, const NameMap<size_t>& backend_by_name,
                std::vector<config::Problem>& problems);
  void add_rule(const config::Rule& from, std::vector<config::Problem>& problems);

  const PoolTable* find(std::string_view pool) const {
    auto found = pool_by_name.find(pool);
    return found == pool_by_name.end() ? nullptr : &pools[found->second];
  }
  const RuleTable* match(std::string_view user) const;
  Result<Choice> choose(const Identity& identity, std::string_view protocol, int64_t now_s) const;
  Result<Choice> named(const std::string& backend, std::string_view protocol) const;
};

Router::Tables::Tables(const config::Live& live, std::vector<config::Problem>& problems)
    : forms(name_form(live)), backends(live.backends), names(live) {
  NameMap<size_t> backend_by_name;
  for (size_t i = 0; i < backends.size(); ++i) backend_by_name.emplace(backends[i].name, i);
  pools.reserve(live.pools.size());
  for (const config::Pool& pool : live.pools) add_pool(pool, backend_by_name, problems);
  if (pools.empty()) {
    complain(problems, "pool", "there is no pool to route to");
    return;
  }
  default_pool = live.routing.default_pool.empty() ? &pools.front() : find(live.routing.default_pool);
  if (!default_pool) {
    complain(problems, "routing.default_pool", fmt::format("no pool is called \"{}\"", live.routing.default_pool));
    return;
  }
  rules.reserve(live.routing.rules.size());
  for (const config::Rule& rule : live.routing.rules) add_rule(rule, problems);
}

void Router::Tables::add_pool(const config::Pool& from, const NameMap<size_t>& backend_by_name,
                              std::vector<config::Problem>& problems) {
  PoolTable& pool = pools.emplace_back();
  pool.name = from.name;
  pool.settings = from;
  pool_by_name.emplace(from.name, pools.size() - 1);
  std::vector<Rendezvous::Node> nodes;
  for (const config::Shard& shard : from.shards) {
    ShardTable& to = pool.shards.emplace_back();
    to.name = shard.name;
    to.weight = shard.weight > 0 ? shard.weight : shard.transition.weight;
    pool.shard_by_name.emplace(shard.name, pool.shards.size() - 1);
    const config::Transition& to_be = shard.transition;
    nodes.push_back({shard.name, shard.weight, {to_be.weight, to_be.from_s, to_be.until_s}});
    for (const std::string& name : shard.backends) {
      auto found = backend_by_name.find(name);
      if (found != backend_by_name.end()) {
        to.backends.push_back(&backends[found->second]);
      } else {
        complain(problems, "pool." + from.name, fmt::format("no backend is called \"{}\"", name));
      }
    }
    if (!(shard.weight > 0) && to_be.until_s == 0)
      complain(problems, "pool." + from.name, "a shard's weight must be above 0");
  }
  if (pool.shards.empty()) complain(problems, "pool." + from.name, "the pool has no shard");
  if (from.storage == config::Pool::Storage::shared) pool.list_members();
  pool.hash = Rendezvous(std::move(nodes));
}

void Router::Tables::add_rule(const config::Rule& from, std::vector<config::Problem>& problems) {
  const size_t index = rules.size();
  auto wrong = [&](std::string_view key, const std::string& message) {
    complain(problems, fmt::format("routing.rule[{}].{}", index, key), fmt::format("rule {}: {}", index + 1, message));
  };
  RuleTable& rule = rules.emplace_back();
  rule.pool = from.pool.empty() ? default_pool : find(from.pool);
  if (!rule.pool) {
    wrong("pool", fmt::format("no pool is called \"{}\"", from.pool));
  } else if (!from.shard.empty()) {
    rule.shard = rule.pool->find(from.shard);
    if (!rule.shard) wrong("shard", fmt::format("pool {} has no shard \"{}\"", rule.pool->name, from.shard));
  }
  if (!from.user.empty()) {
    user_rules.emplace(from.user, index);
    rule.words = fmt::format("rule {} (user {})", index + 1, from.user);
  } else if (!from.domain.empty()) {
    domain_rules.emplace(from.domain, index);
    rule.words = fmt::format("rule {} (domain {})", index + 1, from.domain);
  } else {
    rule.regex.emplace(from.regex);
    if (!rule.regex->error().empty()) wrong("regex", fmt::format("bad regex: {}", rule.regex->error()));
    regex_rules.push_back(index);
    rule.words = fmt::format("rule {} (regex {})", index + 1, from.regex);
  }
}

// One look-up per kind of exact rule, and then only the regexes that stand before what it found.
const RuleTable* Router::Tables::match(std::string_view user) const {
  if (rules.empty()) return nullptr;
  size_t first = rules.size();
  if (auto found = user_rules.find(user); found != user_rules.end()) first = found->second;
  if (auto found = domain_rules.find(domain_of(user)); found != domain_rules.end()) {
    first = std::min(first, found->second);
  }
  for (size_t index : regex_rules) {
    if (index > first) break;
    if (rules[index].regex->matches(user)) return &rules[index];
  }
  return first == rules.size() ? nullptr : &rules[first];
}

// Where a directory wants a user to be.
Result<Router::Choice> Router::Tables::named(const std::string& backend, std::string_view protocol) const {
  auto place = names.find(backend, protocol);
  if (!place) return tl::unexpected(place.error());
  Choice choice;
  choice.by_directory = true;
  choice.backend = &backends[place->backend];
  choice.pool = &pools[place->pool];
  choice.shard = &choice.pool->shards[place->shard];
  return choice;
}

Result<Router::Choice> Router::Tables::choose(const Identity& identity, std::string_view protocol,
                                              int64_t now_s) const {
  if (!identity.backend.empty()) return named(identity.backend, protocol);
  Choice choice;
  if (!identity.pool.empty() || !identity.shard.empty()) {
    choice.by_directory = true;
    choice.pool = identity.pool.empty() ? default_pool : find(identity.pool);
    if (!choice.pool) return fail(fmt::format("the directory names a pool that does not exist: {}", identity.pool));
    if (!identity.shard.empty() && !(choice.shard = choice.pool->find(identity.shard))) {
      return fail(
          fmt::format("the directory names a shard that pool {} does not have: {}", choice.pool->name, identity.shard));
    }
  } else if ((choice.rule = match(identity.user))) {
    choice.pool = choice.rule->pool;
    choice.shard = choice.rule->shard;
  } else {
    choice.pool = default_pool;
  }
  if (!choice.shard) {
    choice.by_hash = true;
    choice.shard = &choice.pool->shards[choice.pool->hash.pick(identity.user, now_s)];
  }
  return choice;
}

std::string Router::Choice::reason() const {
  std::string words = by_directory ? "directory" : rule ? rule->words : std::string();
  if (!by_hash) return words;
  if (!words.empty()) words += ", ";
  return words + fmt::format("hash over {} shard{}", pool->shards.size(), pool->shards.size() == 1 ? "" : "s");
}

std::vector<config::Problem> Router::check(const config::Live& live) {
  std::vector<config::Problem> problems = Names::check(name_form(live));
  if (!problems.empty()) return problems;
  config::Live named = live;
  problems = normalise_names(named);
  Tables(live, problems);
  return problems;
}

Router::Router(const config::Live& live) {
  std::vector<config::Problem> problems;
  tables_ = std::make_unique<Tables>(live, problems);
  assert(problems.empty());
}

Router::~Router() = default;

Result<std::string> Router::normalise(std::string_view user) const { return tables_->forms.normalise(user); }

const Names& Router::names() const { return tables_->forms; }

Result<Route> Router::route(const Identity& identity, std::string_view protocol, int64_t now_s) const {
  Result<Choice> choice = tables_->choose(identity, protocol, now_s);
  if (!choice) return tl::unexpected(choice.error());
  Result<Route> route = candidates(*choice, protocol);
  if (route) route->now_s = now_s;
  return route;
}

Result<Route> Router::explain(const Identity& identity, std::string_view protocol, int64_t now_s) const {
  Result<Choice> choice = tables_->choose(identity, protocol, now_s);
  if (!choice) return tl::unexpected(choice.error());
  Result<Route> route = candidates(*choice, protocol);
  if (!route) return route;
  route->now_s = now_s;
  route->reason = choice->reason();
  return route;
}

Result<Route> Router::candidates(const Choice& choice, std::string_view protocol) {
  Route route;
  route.pool = choice.pool->name;
  route.shard = choice.shard->name;
  if (choice.backend != nullptr) {
    route.candidates = {choice.backend};
    return route;
  }
  if (choice.pool->settings.storage == config::Pool::Storage::shared) route.shared = &choice.pool->settings;
  for (const config::Backend* backend : choice.shard->backends) {
    if (backend->port(protocol) != 0) route.candidates.push_back(backend);
  }
  if (route.candidates.empty() && (route.shared == nullptr || !choice.pool->members.contains(protocol))) {
    return fail(fmt::format("no backend of shard {} serves {}", choice.shard->name, protocol));
  }
  return route;
}

size_t Router::index(const config::Backend& backend) const {
  return static_cast<size_t>(&backend - tables_->backends.data());
}

const config::Backend& Router::backend(size_t index) const { return tables_->backends[index]; }

std::span<const config::Backend* const> Router::members(const Route& route, std::string_view protocol) const {
  const PoolTable& pool = *tables_->find(route.pool);
  auto found = pool.members.find(protocol);
  if (found == pool.members.end()) return {};
  return found->second;
}

double Router::weight(const Route& route, const config::Backend& backend) const {
  return tables_->find(route.pool)->weights.at(&backend);
}

std::vector<const config::Backend*> Router::rank(const Route& route, Bytes user, std::string_view protocol,
                                                 size_t count,
                                                 const std::function<bool(const config::Backend&)>& wanted) const {
  const PoolTable& pool = *tables_->find(route.pool);
  auto fits = [&](const config::Backend* each) { return each->port(protocol) != 0 && wanted(*each); };
  auto any = [&](size_t shard) {
    return std::any_of(pool.shards[shard].backends.begin(), pool.shards[shard].backends.end(), fits);
  };
  std::vector<const config::Backend*> order;
  for (size_t shard : pool.hash.rank(user, count, any, route.now_s)) {
    for (const config::Backend* each : pool.shards[shard].backends) {
      bool known = std::find(order.begin(), order.end(), each) != order.end();
      if (order.size() < count && !known && fits(each)) order.push_back(each);
    }
  }
  return order;
}

}  // namespace postigo
