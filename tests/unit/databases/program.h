// A server of the test's own: a process group that is ended by its id, and files that an unprivileged account may read.
#pragma once

#include <fcntl.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace postigo::databases {

// Of loopback, which nobody listens on now.
inline int free_port() {
  const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* any = reinterpret_cast<sockaddr*>(&address);
  if (bind(probe, any, size) != 0 || getsockname(probe, any, &size) != 0) throw std::runtime_error("no port");
  close(probe);
  return ntohs(address.sin_port);
}

class Program {
 public:
  // As `account` if we are root; its output goes to `log`.
  Program(const std::vector<std::string>& command, const std::string& account, const std::string& log) {
    std::vector<char*> words;
    for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    const passwd* who = getuid() == 0 ? getpwnam(account.c_str()) : nullptr;
    pid_ = fork();
    if (pid_ != 0) return;
    setpgid(0, 0);
    const int sink = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    const int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, 0);
    dup2(sink, 1);
    dup2(sink, 2);
    if (who != nullptr && (setgid(who->pw_gid) != 0 || setuid(who->pw_uid) != 0)) _exit(126);
    execv(words[0], words.data());
    _exit(127);
  }
  ~Program() { end(); }
  Program(const Program&) = delete;

  // To it and its children: PostgreSQL gives each of them a group of its own.
  void send(int signal) const {
    const std::vector<pid_t> mine = children();
    ::kill(pid_, signal);
    for (pid_t child : mine) ::kill(child, signal);
  }
  void end() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGSTOP);  // no child is born meanwhile
    send(SIGKILL);
    wait();
  }
  int wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
  }

 private:
  std::vector<pid_t> children() const {
    std::vector<pid_t> found;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      std::ifstream stat(entry.path() / "stat");
      std::string text;
      if (!std::getline(stat, text)) continue;
      std::istringstream rest(text.substr(text.rfind(')') + 1));
      char state = 0;
      pid_t parent = 0;
      if (rest >> state >> parent && parent == pid_) found.push_back(std::stoi(entry.path().filename()));
    }
    return found;
  }

  pid_t pid_;
};

inline std::string contents(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// Until it ends, well.
inline void run(const std::vector<std::string>& command, const std::string& account, const std::string& log) {
  if (Program(command, account, log).wait() != 0) throw std::runtime_error(command[0] + ": " + contents(log));
}

}  // namespace postigo::databases
