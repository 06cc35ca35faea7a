// Where sockets come from that listen already. Not here: how they are sent (estate.cc), who uses them (doors.cc).
#include "proxy/control/inheritance.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>

#include "proxy/net/socket.h"
#include "proxy/ops/unix_socket.h"

namespace postigo {
namespace {

constexpr int kFirstActivated = 3;  // sd_listen_fds(3)
constexpr time_t kPatienceS = 10;   // for a predecessor's next word

// The whole of it; 0 is nothing.
int number_in(const char* variable) {
  const char* text = std::getenv(variable);
  int number = 0;
  if (text == nullptr) return 0;
  auto [end, error] = std::from_chars(text, text + std::strlen(text), number);
  return error == std::errc() && *end == '\0' ? number : 0;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> words(1);
  for (char c : text) {
    if (c == ':') {
      words.emplace_back();
    } else {
      words.back().push_back(c);
    }
  }
  return words;
}

Result<void> activate(Inheritance& inheritance) {
  if (number_in("LISTEN_PID") != getpid()) return {};
  const char* names = std::getenv("LISTEN_FDNAMES");
  std::vector<std::string> named = split(names != nullptr ? names : "");
  for (int i = 0; i < number_in("LISTEN_FDS"); ++i) {
    Descriptor socket(kFirstActivated + i);
    fcntl(socket.get(), F_SETFD, FD_CLOEXEC);
    fcntl(socket.get(), F_SETFL, fcntl(socket.get(), F_GETFL) | O_NONBLOCK);
    std::string name = name_of_socket(socket.get());
    if (name.empty()) return fail(fmt::format("socket {} of LISTEN_FDS does not listen for streams", i + 1));
    configure_connection(socket.get());
    if (static_cast<size_t>(i) < named.size()) inheritance.estate.names[named[static_cast<size_t>(i)]].push_back(name);
    inheritance.estate.sockets[name].push_back(std::move(socket));
  }
  return {};
}

Result<Inheritance> inherit_from(Descriptor conversation) {
  timeval patience{kPatienceS, 0};
  setsockopt(conversation.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  auto estate = receive_estate(conversation.get());
  if (!estate) return tl::unexpected(estate.error());
  Inheritance inheritance;
  inheritance.estate = std::move(*estate);
  inheritance.predecessor = std::move(conversation);
  return inheritance;
}

// Octet by octet: what follows the head is the estate's.
std::string head_of_answer(int fd) {
  constexpr size_t kMax = 4096;
  std::string head;
  char octet = 0;
  while (head.size() < kMax && !head.ends_with("\r\n\r\n") && recv(fd, &octet, 1, 0) == 1) head += octet;
  return head;
}

}  // namespace

Result<Inheritance> inherit() {
  Inheritance inheritance;
  if (int fd = number_in(kSuccessionVariable); fd > 0) {
    unsetenv(kSuccessionVariable);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    return inherit_from(Descriptor(fd));
  }
  auto activated = activate(inheritance);
  for (const char* variable : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) unsetenv(variable);
  if (!activated) return tl::unexpected(activated.error());
  return inheritance;
}

Result<Inheritance> take_over(const std::string& admin_socket) {
  auto connected = connect_unix(admin_socket);
  if (!connected) return Inheritance{};
  Descriptor conversation(*connected);
  constexpr std::string_view kRequest =
      "POST /api/v1/succession HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 0\r\n"
      "Connection: upgrade\r\nUpgrade: postigo-succession\r\n\r\n";
  send(conversation.get(), kRequest.data(), kRequest.size(), MSG_NOSIGNAL);
  timeval patience{kPatienceS, 0};
  setsockopt(conversation.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  std::string head = head_of_answer(conversation.get());
  if (!head.starts_with("HTTP/1.1 101 ")) {
    return fail(fmt::format("{}: the Postigo that runs does not let itself be taken over: {}", admin_socket,
                            head.empty() ? "no answer" : head.substr(0, head.find('\r'))));
  }
  return inherit_from(std::move(conversation));
}

// One that has died says nothing, and serves no more.
bool tell_predecessor(Inheritance& inheritance) {
  Descriptor conversation = std::move(inheritance.predecessor);
  if (conversation.get() < 0 || send(conversation.get(), &kServes, 1, MSG_NOSIGNAL) == 1) return true;
  char word = 0;
  return recv(conversation.get(), &word, 1, 0) != 1 || word != kGaveUp;
}

}  // namespace postigo
