// The ends of a conversation in the test's own hands: blocking sockets that play client and backend.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string>
#include <utility>

namespace postigo {

// One end of a TCP connection, in clear text. Nothing waits longer than ten seconds.
class Peer {
 public:
  explicit Peer(int fd = -1) : fd_(fd) {
    timeval patience{10, 0};
    if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  }
  Peer(Peer&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), got_(std::move(other.got_)), was_reset_(other.was_reset_) {}
  Peer& operator=(Peer&& other) noexcept {
    close();
    fd_ = std::exchange(other.fd_, -1);
    got_ = std::move(other.got_);
    was_reset_ = other.was_reset_;
    return *this;
  }
  ~Peer() { close(); }

  static Peer to(uint16_t port, int receive_buffer = 0) {
    Peer peer(::socket(AF_INET, SOCK_STREAM, 0));
    if (receive_buffer != 0) setsockopt(peer.fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(peer.fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    return peer;
  }

  void say(const std::string& text) { EXPECT_EQ(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL), ssize(text)); }
  // As much as is taken within a tenth of a second of silence; how much that was.
  size_t say_what_fits(const std::string& text) {
    timeval patience{0, 100'000};
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    size_t said = 0;
    while (said < text.size()) {
      ssize_t count = ::send(fd_, text.data() + said, text.size() - said, MSG_NOSIGNAL);
      if (count <= 0) break;
      said += static_cast<size_t>(count);
    }
    return said;
  }
  // At most so much; less only at the end.
  std::string hear_some(size_t octets) {
    while (got_.size() < octets && more(octets - got_.size())) {
    }
    std::string heard = got_.substr(0, octets);
    got_.erase(0, heard.size());
    return heard;
  }
  // All up to and with the first line that has `text` in it; what is missing at the end says what came instead.
  std::string hear(const std::string& text) {
    for (;;) {
      size_t at = got_.find(text);
      size_t end = at == std::string::npos ? at : got_.find('\n', at);
      if (end != std::string::npos) {
        std::string heard = got_.substr(0, end + 1);
        got_.erase(0, end + 1);
        return heard;
      }
      if (!more()) {
        ADD_FAILURE() << "waited for \"" << text << "\", got \"" << got_ << "\"";
        return got_;
      }
    }
  }
  std::string hear_to_the_end() {
    while (more()) {
    }
    return std::exchange(got_, {});
  }
  // Whether what was heard ended by RST.
  bool was_reset() const { return was_reset_; }
  // From here on its kernel drops all that comes and acknowledges none of it, as if nobody were there.
  void go_deaf() {
    sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
    sock_fprog all{1, &drop};
    EXPECT_EQ(setsockopt(fd_, SOL_SOCKET, SO_ATTACH_FILTER, &all, sizeof(all)), 0);
  }
  void half_close() { ::shutdown(fd_, SHUT_WR); }
  void reset() {
    linger now{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close();
  }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  static ssize_t ssize(const std::string& text) { return static_cast<ssize_t>(text.size()); }
  bool more(size_t most = SIZE_MAX) {
    char buffer[65536];
    ssize_t count = ::recv(fd_, buffer, std::min(most, sizeof(buffer)), 0);
    was_reset_ = count < 0 && errno == ECONNRESET;
    if (count <= 0) return false;
    got_.append(buffer, static_cast<size_t>(count));
    return true;
  }

  int fd_;
  std::string got_;
  bool was_reset_ = false;
};

// A port that is ours. Listening: a backend; otherwise a place kept for SO_REUSEPORT listeners.
class Port {
 public:
  explicit Port(bool listening) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    int on = 1;
    if (!listening) {
      setsockopt(fd_, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
      setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    number_ = ntohs(address.sin_port);
    if (listening) {
      EXPECT_EQ(::listen(fd_, 64), 0);
    }
    timeval patience{10, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  }
  ~Port() { ::close(fd_); }
  Port(const Port&) = delete;
  uint16_t number() const { return number_; }
  Peer accept() { return Peer(::accept(fd_, nullptr, nullptr)); }

 private:
  int fd_;
  uint16_t number_;
};

}  // namespace postigo
