// The subcommands of bench_bare that serve until told to end. Each returns the exit code.
#pragma once

#include <string>

namespace postigo::bench {

struct ServeOptions {
  int port = 0;
  std::string backend;
  std::string certificate, key;
};

int relay(const ServeOptions& options);
int echo(const ServeOptions& options);

}  // namespace postigo::bench
