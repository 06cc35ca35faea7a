// Which signal means what. Not here: what stopping is (server.cc, worker.cc).
#include "proxy/signals.h"

#include <ctime>

#include "proxy/base/events.h"

namespace postigo {

Signals::Signals() {
  std::signal(SIGPIPE, SIG_IGN);
  sigemptyset(&set_);
  for (int each : {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2}) sigaddset(&set_, each);
  pthread_sigmask(SIG_BLOCK, &set_, nullptr);
}

const char* Signals::ends(int signal) {
  switch (signal) {
    case SIGTERM:
      return "SIGTERM";
    case SIGINT:
      return "SIGINT";
    case SIGQUIT:
      return "SIGQUIT";
    case SIGHUP:
      log::write(events::hangup_ignored, {{"detail", "a new configuration takes effect with a restart"}});
      return nullptr;
    default:
      log::write(events::signal_ignored, {{"signal", signal == SIGUSR1 ? "SIGUSR1" : "SIGUSR2"},
                                          {"detail", "it has no meaning yet; the log file is never rotated by us"}});
      return nullptr;
  }
}

const char* Signals::wait_for_end() {
  for (;;) {
    int signal = 0;
    sigwait(&set_, &signal);
    if (const char* name = ends(signal)) return name;
  }
}

const char* Signals::wait_for_end(uint64_t ms) {
  timespec patience{static_cast<time_t>(ms / 1000), static_cast<long>(ms % 1000) * 1'000'000};
  int signal = sigtimedwait(&set_, nullptr, &patience);
  return signal > 0 ? ends(signal) : nullptr;
}

}  // namespace postigo
