// Router: from an identity to the backends that may serve it, in order. Pure: no I/O, no state but the configuration.
//
// Immutable after construction, safe for any number of threads. Weighted rendezvous hash over a pool's shards: adding
// or removing a shard moves only the users that it gains or loses, and every node computes the same answer.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends/directory.h"
#include "backends/names/names.h"
#include "config/config.h"
#include "config/load.h"
#include "parser/base/result.h"

namespace postigo {

struct Route {
  std::string_view pool, shard;                    // live as long as the Router
  std::vector<const config::Backend*> candidates;  // in order of preference, never empty; live as long as the Router
  int64_t now_s = 0;                               // when this was so
  const config::Backend* home = nullptr;           // that has his mail, whatever is known of it; null: any has
  bool ordered = false;                            // the first candidate is where an operator wants this user to be
  const config::Pool* shared = nullptr;            // the pool, if any of its backends serves any user
  std::string reason;  // "rule 2 (regex ...)", "directory", "hash over 3 shards": filled by explain() only
};

class Router {
 public:
  // What config cannot check without RE2, and once more what the Router itself relies on: regexes that do not compile
  // (with the number of the rule), names that do not resolve. Empty: `live` can be routed.
  static std::vector<config::Problem> check(const config::Live& live);

  // REQUIRES: check(live) is empty. Copies what it needs.
  explicit Router(const config::Live& live);
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  // What becomes of names, before any directory or rule sees them (names/names.h). An Error: no login has that one.
  Result<std::string> normalise(std::string_view user) const;
  const Names& names() const;

  // Only backends that serve `protocol` are candidates. Fails if the identity names a pool, shard or backend that does
  // not exist, or no backend of the shard serves the protocol: our misconfiguration, [SERVERBUG]. A backend that it
  // names is the only candidate; pool and shard are the first that it stands in.
  // `now_s`: unix time, for shards in transition.
  Result<Route> route(const Identity& identity, std::string_view protocol, int64_t now_s = 0) const;
  // The same decision with its reason in words, for `postigo route`.
  Result<Route> explain(const Identity& identity, std::string_view protocol, int64_t now_s = 0) const;

  // The place of one of the Router's backends in config::Live::backends.
  size_t index(const config::Backend& backend) const;
  const config::Backend& backend(size_t index) const;  // the other way round
  // Of the pool of a shared route, those that serve the protocol: any of them may serve its user.
  std::span<const config::Backend* const> members(const Route& route, std::string_view protocol) const;
  double weight(const Route& route, const config::Backend& backend) const;  // of its shard there
  // And the first `count` of those that are wanted, in the order in which this user comes to their shards.
  std::vector<const config::Backend*> rank(const Route& route, Bytes user, std::string_view protocol, size_t count,
                                           const std::function<bool(const config::Backend&)>& wanted) const;

 private:
  struct Tables;
  struct Choice;
  static Result<Route> candidates(const Choice& choice, std::string_view protocol);

  std::unique_ptr<Tables> tables_;
};

}  // namespace postigo
