// A server that says what it is told to: on a port of its own, one answer for every bind and one for every search.
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace postigo {

class FakeLdap {
 public:
  // What is sent for a request, whose message id and kind are given (0x60: bind, 0x63: search).
  using Answer = std::function<std::string(char id, unsigned char kind)>;

  explicit FakeLdap(Answer answer) : answer_(std::move(answer)), listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* any = reinterpret_cast<sockaddr*>(&address);
    if (bind(listener_, any, size) != 0 || listen(listener_, 16) != 0 || getsockname(listener_, any, &size) != 0)
      abort();
    port_ = ntohs(address.sin_port);
    if (pipe(stop_) != 0) abort();
    thread_ = std::thread([this] { serve(); });
  }
  ~FakeLdap() {
    close(stop_[1]);
    thread_.join();
    close(stop_[0]);
    close(listener_);
  }
  FakeLdap(const FakeLdap&) = delete;
  FakeLdap& operator=(const FakeLdap&) = delete;

  std::string url() const { return "ldap://127.0.0.1:" + std::to_string(port_); }
  int connections() const { return connections_; }

  static std::string tlv(unsigned char tag, const std::string& value) {
    std::string made(1, static_cast<char>(tag));
    if (value.size() > 127) made += "\x82" + std::string(1, static_cast<char>(value.size() >> 8));
    return made + static_cast<char>(value.size() & 255) + value;
  }
  static std::string message(char id, const std::string& operation) {
    return tlv(0x30, tlv(0x02, std::string(1, id)) + operation);
  }
  // A result of `tag` with a code and a text.
  static std::string result(char id, unsigned char tag, char code, const std::string& text = {}) {
    return message(id, tlv(tag, tlv(0x0a, std::string(1, code)) + tlv(0x04, "") + tlv(0x04, text)));
  }
  static std::string entry(char id, const std::string& dn) {
    return message(id, tlv(0x64, tlv(0x04, dn) + tlv(0x30, "")));
  }

 private:
  void serve() {
    std::vector<pollfd> open = {{listener_, POLLIN, 0}, {stop_[0], POLLIN, 0}};
    while (poll(open.data(), open.size(), -1) > 0 && open[1].revents == 0) {
      for (size_t i = open.size(); i-- > 2;) {
        if (open[i].revents == 0 || talk(open[i].fd)) continue;
        close(open[i].fd);
        open.erase(open.begin() + static_cast<std::ptrdiff_t>(i));
      }
      if (open[0].revents == 0) continue;
      ++connections_;
      open.push_back({accept(listener_, nullptr, nullptr), POLLIN, 0});
    }
    for (size_t i = 2; i < open.size(); ++i) close(open[i].fd);
  }
  // Requests come whole, and one at a time: 30 LENGTH 02 01 ID KIND.
  bool talk(int open) const {
    char request[8192];
    const ssize_t size = recv(open, request, sizeof request, 0);
    if (size < 7) return false;
    const size_t at = static_cast<unsigned char>(request[1]) < 0x80 ? 2u : 2u + (request[1] & 0x7f);
    const std::string said = answer_(request[at + 2], static_cast<unsigned char>(request[at + 3]));
    return said != "bye" && send(open, said.data(), said.size(), MSG_NOSIGNAL) >= 0;
  }

  Answer answer_;
  int listener_;
  uint16_t port_ = 0;
  int stop_[2] = {-1, -1};
  std::atomic<int> connections_ = 0;
  std::thread thread_;
};

}  // namespace postigo
