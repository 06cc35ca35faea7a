// Signals as events of a loop. Not here: what they mean (control.cc).
#include "proxy/control/signals.h"

#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace postigo {
namespace {

struct Row {
  int number;
  const char* name;
};
constexpr Row kSignals[] = {{SIGTERM, "SIGTERM"}, {SIGINT, "SIGINT"},   {SIGQUIT, "SIGQUIT"},
                            {SIGHUP, "SIGHUP"},   {SIGUSR1, "SIGUSR1"}, {SIGUSR2, "SIGUSR2"}};

}  // namespace

Signals::Signals() {
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t set;
  sigemptyset(&set);
  for (const Row& row : kSignals) sigaddset(&set, row.number);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  fd_ = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

Signals::~Signals() { close(fd_); }

const char* Signals::name_of(int signal) {
  for (const Row& row : kSignals) {
    if (row.number == signal) return row.name;
  }
  return "a signal";
}

void Signals::watch(Loop& loop, std::function<void(int)> on_signal) {
  loop_ = &loop;
  on_signal_ = std::move(on_signal);
  loop.watch(fd_, *this, EPOLLIN);
}

void Signals::unwatch() {
  if (loop_ != nullptr) std::exchange(loop_, nullptr)->unwatch(fd_);
}

void Signals::ready(uint32_t) {
  signalfd_siginfo told;
  while (loop_ != nullptr && read(fd_, &told, sizeof(told)) == static_cast<ssize_t>(sizeof(told))) {
    on_signal_(static_cast<int>(told.ssi_signo));
  }
}

}  // namespace postigo
