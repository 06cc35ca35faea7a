// Policy: a server that says of each login whether it may be, in weakforced's protocol (POST ?command=allow, =report).
//
//   allow   {"login", "remote", "protocol", "tls", "session_id", "pwhash"}, answered by {"status": N, "msg": "..."}:
//           below 0 the attempt is refused, above it waits so many seconds
//   report  the same with "success", "policy_reject" and "fail_type"; nobody waits for the answer
//
// One per worker, confined to its thread; whoever waits keeps it alive. Nothing completes inside a call.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include "config/config.h"
#include "proxy/base/stats.h"
#include "proxy/net/http_client.h"

namespace postigo {

class Policy {
 public:
  // One attempt.
  struct Login {
    std::string user, remote, protocol, session_id;
    bool tls = false;
    std::string pwhash;  // hash(); empty: not told
  };
  struct Answer {
    PolicyAnswer verdict = PolicyAnswer::allowed;
    uint64_t delay_ms = 0;  // of `delayed`
  };
  static constexpr uint64_t kDelayMaxMs = 60'000;  // whatever the server says

  Policy(Loop& loop, HttpClient& http, WorkerStats& stats, const config::Policy& settings);

  const config::Policy& settings() const { return settings_; }
  // The first bits of a salted hash: the same guess looks the same, and nothing leads back to the password.
  std::string hash(std::string_view user, std::string_view secret) const;

  // A failure to answer is an answer, by `on_failure`: allowed, or `failed`.
  Ticket allow(const Login& login, std::function<void(Answer)> then);
  // `fail_type`: empty if it succeeded. Those that are too many at a time are lost, and counted.
  void report(const Login& login, std::string_view fail_type, bool policy_reject);

  // What an answer means. Pure.
  static Answer understand(const HttpAnswer& told, std::string& why);

 private:
  HttpRequest request(std::string_view command, const std::string& json) const;
  Answer decide(const HttpAnswer& told);

  static constexpr size_t kReportsMax = 256;  // under way
  Loop& loop_;
  HttpClient& http_;
  WorkerStats& stats_;
  const config::Policy settings_;
  std::list<Ticket> reports_;
  uint64_t told_ms_ = 0;  // when a failure was last a line in the log; 0: never
};

}  // namespace postigo
