// The command line of bench_load.
#pragma once

#include <netinet/in.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

namespace postigo::bench {

struct Options {
  std::string mode;
  std::string connect;
  std::string protocol = "imap";
  std::string tls = "off";
  std::string ca, name;
  std::string user_format = "u%d", password = "secret";
  uint64_t clients = 16, sessions = 0, count = 0, warmup = 0, size = 65536;
  uint64_t users = 1000, sources = 0, threads = 1;
  double seconds = 60, rate = 0;
  bool literal_plus = false, pause_at_marks = false, verify = true;

  sockaddr_in to{};  // connect, read
  bool imap() const { return protocol == "imap"; }
  bool resume() const { return tls == "resumed"; }
};

void add_options(CLI::App& app, Options& options);
// What only makes sense together. Throws std::runtime_error.
void complete(Options& options);

}  // namespace postigo::bench
