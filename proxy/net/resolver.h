// Resolver: backend host names to addresses, asynchronously, with a memory.
//
// One per worker, single thread. Literals are answered without asking anybody. A name has one question at a time,
// however many ask for it, and its own fate: one that nobody answers delays no other. What an answer says is good for
// its TTL within the bounds of the configuration; a failure is remembered briefly. Behind its time an answer still
// serves while a new one is asked for (RFC 8767): at once for `refresh_ttl`, later only if the servers say nothing
// within a second, or (beyond what that RFC allows) that there is no such name, as a zone says that was loaded half; at
// most for `stale_ttl`. A question
// goes on when its askers have given up: the answer is kept.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "backends/env.h"
#include "config/config.h"
#include "parser/base/result.h"
#include "proxy/net/address.h"
#include "proxy/net/dns.h"
#include "proxy/net/loop.h"

namespace postigo {

class Resolver {
 public:
  using Answer = Result<std::vector<Address>>;  // never an empty vector; ports are the caller's business

  Resolver(Loop& loop, const config::Resolver& settings);
  ~Resolver();  // at once, whatever is under way; nobody is answered any more
  Resolver(const Resolver&) = delete;

  // At once if known, else null: ask. Valid until the next call.
  const std::vector<Address>* known(const std::string& host);
  // Nothing completes inside the call. Destroying the ticket detaches the caller.
  Ticket resolve(const std::string& host, std::function<void(Answer)> then);

  static constexpr size_t kNamesMax = 4096;  // backends, not strangers, name hosts; still bounded

 private:
  struct Waiting;
  struct Name;
  Name* find(const std::string& host);
  Name* find_or_add(const std::string& host);
  bool serves(Name& name);
  void ask(Name& name);
  void answered(Name& name, Dns::Answer answer);

  Loop& loop_;
  config::Resolver settings_;
  Dns dns_;
  std::unordered_map<std::string, std::unique_ptr<Name>> names_;
};

}  // namespace postigo
