// Resolver: backend host names to addresses, asynchronously, with a short memory.
//
// One per worker, single thread. Literals are answered without asking anybody; still on the next turn.
#pragma once

#include <uv.h>

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "backends/env.h"
#include "parser/base/result.h"
#include "proxy/net/address.h"
#include "proxy/net/loop.h"

namespace postigo {

class Resolver {
 public:
  using Answer = Result<std::vector<Address>>;  // never an empty vector

  explicit Resolver(Loop& loop) : loop_(loop) {}

  // At once if known, else null: ask.
  const std::vector<Address>* known(const std::string& host);
  // Destroying the ticket detaches the caller.
  Ticket resolve(const std::string& host, std::function<void(Answer)> then);

 private:
  static constexpr uint64_t kRememberMs = 30'000;  // getaddrinfo tells no TTL; DNS changes show within half a minute
  static constexpr size_t kNamesMax = 4096;        // backends, not strangers, name hosts; still bounded
  struct Entry {
    std::vector<Address> addresses;
    uint64_t until_ms = 0;
  };
  struct Question;

  Loop& loop_;
  std::unordered_map<std::string, Entry> memory_;
};

}  // namespace postigo
