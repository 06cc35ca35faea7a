// Directory: who is this user, may he come in, where does he live? One interface for all drivers.
//
// Asynchronous: start() never answers before it returned; the answer comes later on the same worker's thread, or never
// if the Lookup is destroyed first. One Directory object per worker (drivers share what they can behind it). It may be
// destroyed while questions are pending (a reload does that): they are still answered. Only the Env must outlive them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "backends/env.h"
#include "parser/base/secret.h"

namespace postigo {

// What is asked. user is normalised (routing.lowercase, default domain). The password is what the client gave.
struct Query {
  std::string user;
  Secret password;
  std::string mechanism;
  std::string_view protocol;  // Protocol::name
  std::string client_ip;
  bool placement = false;  // only where he lives: ok for whoever is known, without a password, also if he is disabled
};

// What is known of a user. Empty hints leave the decision to the router.
struct Identity {
  std::string user;          // the name that the session goes by
  std::string pool, shard;   // explicit placement
  std::string backend_user;  // another name at the backend; empty: user
  // The driver checked the password: log in with the master identity (BackendLogin). False: the backend checks it.
  bool verified = false;
};

enum class Verdict {
  ok,
  bad_credentials,
  no_such_user,  // the chain asks the next directory; its own answer if none knows the name
  disabled,
  unusable,   // the user's entry is damaged: our fault, told as try_later is, but no earlier than a refusal
  try_later,  // never means "no": the chain stops, the client is told [UNAVAILABLE]
};

struct LookupResult {
  Verdict verdict = Verdict::try_later;
  Identity identity;   // set when ok
  std::string detail;  // for our log only; never a secret
};

// The caller's pending question. Destroying it (or starting it again) detaches it. Drivers keep their Ticket in it and
// call finish() at most once, never from inside start().
class Lookup {
 public:
  explicit Lookup(std::function<void(LookupResult)> done) : done_(std::move(done)) {}
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;

  void hold(Ticket ticket) { ticket_ = std::move(ticket); }
  void finish(LookupResult result) {  // may destroy *this from inside the call-back
    auto done = std::move(done_);
    done(std::move(result));
  }

 private:
  std::function<void(LookupResult)> done_;
  Ticket ticket_;
};

class Directory {
 public:
  virtual ~Directory() = default;
  virtual std::string_view name() const = 0;
  virtual void start(Lookup& lookup, const Query& query) = 0;
};

}  // namespace postigo
