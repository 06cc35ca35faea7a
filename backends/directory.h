// Directory: who is this user, may he come in, where does he live? One interface for all drivers.
//
// Asynchronous: start() never answers before it returned; the answer comes later on the same worker's thread, or never
// if the Lookup is destroyed first. One Directory object per worker (drivers share what they can behind it). It may be
// destroyed while questions are pending (a reload does that): they are still answered. Only the Env must outlive them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "backends/env.h"
#include "parser/base/secret.h"
#include "parser/sasl/stored_secret.h"

namespace postigo {

enum class Want : uint8_t {
  verdict,    // is the password right?
  placement,  // where does he live: ok for whoever is known, without a password, also if he is disabled
  account,    // may he come in, who has been proven elsewhere: known and not disabled, without a password
  secret,     // what is kept of his password, for Query::mechanism, in LookupResult::secret; Identity::disabled is told
  token,      // whose is the bearer token in Query::password, and is it good? `user` is whom the client claims to be
};

// How the client came, for directories that tell others about it.
struct Circumstances {
  std::string listener, session_id;
  std::string local_ip;
  uint16_t client_port = 0, local_port = 0;
  bool tls = false;
  unsigned attempt = 1;                            // of this session
  std::string tls_protocol = {}, tls_cipher = {};  // "TLSv1.3"; empty: unknown
};

struct Found;  // directory/entry.h

// Sees what an answer is made from, for whoever looks into a login and is not in one. On the Env's thread.
class Witness {
 public:
  virtual void saw(const Found& found) = 0;

 protected:
  ~Witness() = default;
};

// What is asked. user is normalised (names/names.h). The password is what the client gave.
struct Query {
  std::string user;
  Secret password;
  std::string mechanism;
  std::string_view protocol;  // Protocol::name
  std::string listener;       // its name
  std::string client_ip;
  Want want = Want::verdict;
  std::shared_ptr<const Circumstances> circumstances;  // null: no directory is curious (DirectoryShared::curious)
  Witness* witness = nullptr;                          // outlives the question; null: there is none
};

// Why somebody may not come in, whoever he has proven to be.
enum class Barred : uint8_t {
  disabled,
  not_here,  // from this network, through this listener, with this protocol, or with this password
  not_now,
  moving,  // he is to come again: his mail is on its way
};

// What is known of a user. Empty hints leave the decision to the router.
struct Identity {
  std::string user;          // the name that the session goes by
  std::string pool, shard;   // explicit placement
  std::string backend_user;  // another name at the backend; empty: user
  // The one backend that serves him, whatever pool and shard say: its name, or its address ("192.0.2.1:143",
  // "[2001:db8::1]:143"), which must be that of a [[backend]]: nobody is led elsewhere.
  std::string backend;
  // What opens the backend for him, if he is verified; empty: the master's password, or his own.
  Secret backend_password;
  // The driver checked the password: log in with the master identity (BackendLogin). False: the backend checks it.
  bool verified = false;
  std::string limit_class;    // [[limits.class]] by name
  uint64_t sessions_max = 0;  // that he may have, whatever his class; 0: as that says
  // Want::secret: may not come in, which nobody is told before he has proven who he is.
  bool disabled = false;
  Barred barred = Barred::disabled;  // if so, and with Verdict::disabled: why
};

enum class Verdict {
  ok,
  bad_credentials,
  no_such_user,  // the chain asks the next directory; its own answer if none knows the name
  disabled,      // may not come in now: Identity::barred
  unusable,      // the user's entry is damaged: our fault, told as try_later is, but no earlier than a refusal
  try_later,     // never means "no": the chain stops, the client is told [UNAVAILABLE]
};

struct LookupResult {
  Verdict verdict = Verdict::try_later;
  Identity identity;             // set when ok; with Verdict::disabled: barred
  std::string detail;            // for our log only; never a secret
  StoredSecret secret = {};      // Want::secret, when ok; empty: he has none of use
  std::string token_error = {};  // Want::token, when it is not good: RFC 7628 3.2.2's JSON, in our own words
  int64_t good_until_s = 0;      // when ok: unix time from which on it may be otherwise; 0: nobody knows of any
};

// The caller's pending question. Destroying it (or starting it again) detaches it. Drivers keep their Ticket in it and
// call finish() at most once, never from inside start().
class Lookup {
 public:
  explicit Lookup(std::function<void(LookupResult&&)> done) : done_(std::move(done)) {}
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;

  void hold(Ticket ticket) { ticket_ = std::move(ticket); }
  // For the log, whatever the answer is: something is odd with the directory. Never a secret.
  void note(std::string note) { note_ = std::move(note); }
  // May destroy *this from inside the call-back. By reference: an answer is large, and passes several hands.
  void finish(LookupResult&& result) {
    if (!note_.empty()) result.detail = result.detail.empty() ? note_ : note_ + "; " + result.detail;
    auto done = std::move(done_);
    done(std::move(result));
  }
  void finish(const LookupResult& result) { finish(LookupResult(result)); }
  // On the next turn of Env's loop, instead of holding a ticket. The answer waits here: so nothing is asked of the heap
  // but its own room.
  void finish_later(Env& env, LookupResult&& result) {
    answer_ = std::make_unique<LookupResult>(std::move(result));
    ticket_ = env.defer([this] { finish(std::move(*std::unique_ptr<LookupResult>(std::move(answer_)))); });
  }

 private:
  std::function<void(LookupResult&&)> done_;
  Ticket ticket_;
  std::unique_ptr<LookupResult> answer_;
  std::string note_;
};

class Directory {
 public:
  virtual ~Directory() = default;
  virtual std::string_view name() const = 0;
  virtual void start(Lookup& lookup, const Query& query) = 0;
};

}  // namespace postigo
