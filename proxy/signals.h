// Signals: what the process is told from outside. The main thread alone takes them, one at a time.
#pragma once

#include <csignal>
#include <cstdint>

namespace postigo {

class Signals {
 public:
  // Blocks them in this thread and in all that it starts from now on; SIGPIPE is ignored.
  Signals();

  // The next one that ends the process (SIGTERM, SIGINT, SIGQUIT). The others are answered in the log meanwhile.
  const char* wait_for_end();
  // The same, but gives up after so long: null.
  const char* wait_for_end(uint64_t ms);

 private:
  static const char* ends(int signal);  // its name; null, after a line in the log, if it does not

  sigset_t set_{};
};

}  // namespace postigo
