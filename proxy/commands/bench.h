// Bench: where connections are tried for `postigo check --connect`: a loop, threads, and the list of what came of each.
//
// One thread, the command's. Each trial has its own deadline; the list is in the order in which trials began.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "proxy/net/env_uv.h"
#include "proxy/snapshot.h"

namespace postigo::commands {

// One thing that was tried.
struct Tried {
  std::string what;   // "backend b1"
  std::string where;  // "imap 10.0.0.1:143"
  std::string key;    // where it stands in the configuration
  bool good = false;
  std::string text = "no answer in time";  // how far it came, or why not; never a secret
  uint64_t began_ms = 0, took_ms = 0;
};

class Bench {
 public:
  explicit Bench(const config::Live& live);
  ~Bench();
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  size_t begin(std::string what, std::string where, std::string key);
  void end(size_t trial, bool good, std::string text);  // once
  void run(uint64_t patience_ms);                       // until all have ended, or for so long
  const std::vector<Tried>& tried() const { return tried_; }

  Loop& loop() { return loop_; }
  Resolver& resolver() { return *resolver_; }
  Env& env() { return env_; }

 private:
  Loop loop_;
  std::shared_ptr<Mailbox> mailbox_;
  Offload lookups_, passwords_;
  std::unique_ptr<Resolver> resolver_;
  HttpClient http_;
  EnvUv env_;
  std::vector<Tried> tried_;
  size_t open_ = 0;
};

// Each of them begins all of its trials and, as long as it lives, ends them. Destroyed before the bench.
class Trials {
 public:
  virtual ~Trials() = default;
};
// `written`: as in the file, for the place of each; it outlives them.
std::unique_ptr<Trials> try_backends(Bench& bench, std::shared_ptr<const Snapshot> snapshot,
                                     const config::Live& written);
std::unique_ptr<Trials> try_directories(Bench& bench, const config::Live& live);
std::unique_ptr<Trials> try_services(Bench& bench, const config::Live& live);  // name servers, a policy server

}  // namespace postigo::commands
