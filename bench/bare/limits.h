// The subcommands of bench_bare that compute one figure and print it. Each returns the exit code.
#pragma once

#include <cstdint>
#include <string>

namespace postigo::bench {

int handshake(const std::string& kind, bool resumed, uint64_t count);
int seal(uint64_t bytes, uint64_t record);
int copy(uint64_t bytes);

// What the calling thread has used. A system call: not for every few nanoseconds.
int64_t thread_cpu_ns();

}  // namespace postigo::bench
