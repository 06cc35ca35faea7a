// What the bench's programs have in common as programs: command line, exit codes, one line of JSON, descriptors,
// listeners. Exit codes: 0 clean, 1 an error was counted, 2 the command line makes no sense or cannot be obeyed.
#pragma once

#include <netinet/in.h>

#include <CLI/CLI.hpp>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "bench/common/loop.h"

namespace postigo::bench {

using Json = nlohmann::ordered_json;

constexpr int kClean = 0;
constexpr int kErrors = 1;
constexpr int kUsage = 2;

// Parses, then runs `body`; what it throws goes to standard error.
int run_program(CLI::App& app, int argc, char** argv, const std::function<int()>& body);

// One line on standard output, flushed: whoever reads it acts on it at once.
void print(const Json& line);

// "HOST:PORT" with an IPv4 address. Throws std::runtime_error.
sockaddr_in parse_address(const std::string& text);
// Listens on an address; port 0 = choose. Throws. Returns the descriptor and writes the port.
int listen_on(in_addr address, int port, int& chosen);

void raise_descriptor_limit();

// Ready when the program is told to end: SIGTERM, SIGINT, or the end of standard input where that can be waited for.
class Ending final : public Loop::Handler {
 public:
  explicit Ending(Loop& loop);
  bool asked() const { return asked_; }
  void ready(uint32_t events) override;

 private:
  class Input final : public Loop::Handler {
   public:
    explicit Input(Ending& ending) : ending_(ending) {}
    void ready(uint32_t events) override;

   private:
    Ending& ending_;
  };
  Loop& loop_;
  Input input_{*this};
  bool asked_ = false;
};

}  // namespace postigo::bench
