// The terminal. Passwords stay in memory that is wiped; nothing here knows what they are for.
#include "proxy/commands/process.h"

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <istream>
#include <string_view>

#include "config/secrets.h"
#include "parser/base/limits.h"

namespace postigo::commands {

namespace {

volatile std::sig_atomic_t heard = 0;

// Signals that end a process wait, until this goes: then the first of them does what it does. One thread.
class Ending {
 public:
  Ending() {
    heard = 0;
    sigset_t all;
    sigemptyset(&all);
    for (int signal : kSignals) sigaddset(&all, signal);
    ::pthread_sigmask(SIG_BLOCK, &all, &usual_);
    struct sigaction hear {};
    hear.sa_handler = [](int signal) { heard = signal; };
    for (size_t i = 0; i < kSignals.size(); ++i) {
      ::sigaction(kSignals[i], nullptr, &before_[i]);
      if (before_[i].sa_handler != SIG_IGN) ::sigaction(kSignals[i], &hear, nullptr);
    }
  }
  ~Ending() {
    for (size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &before_[i], nullptr);
    ::pthread_sigmask(SIG_SETMASK, &usual_, nullptr);
    if (heard != 0) ::raise(heard);
  }
  Ending(const Ending&) = delete;
  Ending& operator=(const Ending&) = delete;

  // False: one of them came first.
  bool wait_for(int fd) const {
    pollfd wanted{fd, POLLIN, 0};
    return heard == 0 && ::ppoll(&wanted, 1, nullptr, &usual_) > 0;
  }

 private:
  static constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
  sigset_t usual_;
  std::array<struct sigaction, kSignals.size()> before_;
};

// The controlling terminal, whatever the standard streams are. Restores it however the scope is left, also by ^C.
class Terminal {
 public:
  Terminal() : fd_(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)) {
    if (fd_ < 0 || ::tcgetattr(fd_, &before_) != 0) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    silent.c_cc[VSUSP] = _POSIX_VDISABLE;  // a shell would get a terminal without echo
    ok_ = ::tcsetattr(fd_, TCSAFLUSH, &silent) == 0;
  }
  ~Terminal() {
    if (ok_) ::tcsetattr(fd_, TCSAFLUSH, &before_);
    if (fd_ >= 0) ::close(fd_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  bool ok() const { return ok_; }

  Secret ask(std::string_view prompt) {
    say(prompt);
    Secret line;
    char c = 0;
    while (line.size() <= limits::kPasswordMax && ending_.wait_for(fd_) && ::read(fd_, &c, 1) == 1 && c != '\n') {
      line.append({&c, 1});
    }
    wipe(&c, 1);
    say("\n");
    return line;
  }

 private:
  void say(std::string_view text) {
    while (!text.empty()) {
      ssize_t written = ::write(fd_, text.data(), text.size());
      if (written <= 0) return;
      text.remove_prefix(static_cast<size_t>(written));
    }
  }

  Ending ending_;  // first: the terminal is as it was when a signal does what it does
  int fd_;
  termios before_{};
  bool ok_ = false;
};

Result<Secret> checked(Secret secret) {
  std::string fault = config::secret_fault(secret.reveal());
  if (!fault.empty()) return fail("the password " + fault);
  return secret;
}

}  // namespace

Result<Secret> ask_password() {
  Terminal terminal;
  if (!terminal.ok()) return fail("there is no terminal to ask for a password: use --password-stdin");
  auto first = checked(terminal.ask("Password: "));
  if (!first) return first;
  Secret second = terminal.ask("Once more: ");
  if (!first->equals(second.reveal())) return fail("the two passwords differ");
  return first;
}

Result<Secret> ask_password_once(const char* prompt) {
  Terminal terminal;
  if (!terminal.ok()) return fail("there is no terminal to ask for a password: use --password-stdin");
  return checked(terminal.ask(prompt));
}

Result<Secret> read_password(std::istream& in) {
  Secret line;
  for (int c = in.get(); c != std::istream::traits_type::eof() && c != '\n'; c = in.get()) {
    if (line.size() > limits::kPasswordMax) break;
    char octet = static_cast<char>(c);
    line.append({&octet, 1});
  }
  if (line.reveal().ends_with('\r')) line = Secret(line.reveal().substr(0, line.size() - 1));
  return checked(std::move(line));
}

}  // namespace postigo::commands
