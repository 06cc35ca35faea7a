// Workers on real loopback, and the ends of a conversation in the test's own hands: blocking sockets that play client
// and backend. At the end every worker must have closed every handle.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "proxy/worker.h"
#include "tests/unit/proxy/log_file.h"

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

class WorkerTest : public testing::Test {
 protected:
  WorkerTest() {
    add_listener("imap", imap);
    add_listener("pop3", pop3);
    config::Backend backend;
    backend.name = "b1";
    backend.host = "127.0.0.1";
    backend.imap_port = backend.pop3_port = backends.number();
    config.live.backends.push_back(backend);
    config::Pool pool;
    pool.name = "main";
    pool.shards.push_back({"b1", 1.0, {"b1"}});
    config.live.pools.push_back(pool);
    config.live.auth.mechanisms = {"PLAIN", "LOGIN"};
    config.live.limits.auth_failure_delay_ms = 10;
    config.live.limits.close_timeout_ms = 1000;
    config.startup.hostname = "mail.example.org";
  }
  ~WorkerTest() override { stop(); }

  void make(unsigned count) {
    config::Problems problems;
    snapshot = Snapshot::make(config, std::make_shared<TicketKeys>(3600'000), problems);
    ASSERT_NE(snapshot, nullptr) << to_string(problems.at(0));
    ASSERT_TRUE(snapshot->open_directories(problems));
    shared = std::make_unique<Shared>(config, 1);
    shared->sessions_max = sessions_max;
    shared->places.open(config.live.backends.size(), sessions_max, config.live.limits.backend_logins_max);
    shared->login_memory_max = config.live.limits.login_memory / count;
    for (unsigned i = 0; i < count; ++i) {
      workers.push_back(std::make_unique<Worker>(*shared, snapshot, i));
      auto bound = workers.back()->listen(config.startup.listeners);
      ASSERT_TRUE(bound.has_value()) << bound.error().message;
    }
  }
  void start(unsigned count = 2) {
    make(count);
    launch();
  }
  void launch() {
    config::Problems problems;
    ASSERT_TRUE(snapshot->open_directories(problems)) << to_string(problems.at(0));
    for (auto& worker : workers) worker->start();
    running = true;
  }
  void stop() {
    if (std::exchange(running, false)) {
      for (auto& worker : workers) worker->stop();
      for (auto& worker : workers) {
        worker->join();
        EXPECT_EQ(worker->loop_result(), 0) << "a handle was left open";
      }
    }
    if (shared) {
      EXPECT_EQ(shared->sessions, 0);
    }
    for (auto& worker : workers) {
      for (size_t i = 0; i < kPhases; ++i) EXPECT_EQ(worker->stats().sessions[i].get(), 0u) << kPhaseNames[i];
      for (const BackendStats& each : worker->stats().backends) EXPECT_EQ(each.sessions.get(), 0u);
    }
  }

  // A client that is logged in through IMAP, and the backend that serves him.
  std::pair<Peer, Peer> relayed() {
    Peer client = Peer::to(imap.number());
    client.hear("* OK");
    client.say("a1 LOGIN alice secret\r\n");
    Peer backend = serve_login();
    client.hear("a1 OK");
    return {std::move(client), std::move(backend)};
  }
  // The same through POP3.
  std::pair<Peer, Peer> relayed_pop3() {
    Peer client = Peer::to(pop3.number());
    client.hear("+OK");
    client.say("USER alice\r\nPASS secret\r\n");
    Peer backend = backends.accept();
    backend.say("+OK ready\r\n");
    EXPECT_EQ(backend.hear("\r\n"), "USER alice\r\n");
    backend.say("+OK\r\n");
    EXPECT_EQ(backend.hear("\r\n"), "PASS secret\r\n");
    backend.say("+OK in\r\n");
    client.hear("Logged in");
    return {std::move(client), std::move(backend)};
  }
  // The backend's part of one IMAP login.
  Peer serve_login() {
    Peer backend = backends.accept();
    backend.say("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n");
    std::string command = backend.hear("\r\n");
    backend.say(command.substr(0, command.find(' ')) + " OK [CAPABILITY IMAP4rev1 IDLE] in\r\n");
    return backend;
  }

  // Sum over the workers of what `pick` finds.
  template <typename Pick>
  uint64_t total(Pick pick) const {
    uint64_t sum = 0;
    for (const auto& worker : workers) sum += pick(worker->stats());
    return sum;
  }
  uint64_t in_phase(Phase phase) const {
    return total([phase](const WorkerStats& stats) { return stats.sessions[static_cast<size_t>(phase)].get(); });
  }
  uint64_t closed(CloseReason reason) const {
    return total([reason](const WorkerStats& stats) {
      return stats.protocols[0].closed[static_cast<size_t>(reason)].get() +
             stats.protocols[1].closed[static_cast<size_t>(reason)].get();
    });
  }
  template <typename Done>
  static bool eventually(Done done) {
    for (int i = 0; i < 1000; ++i) {
      if (done()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  LogFile log;
  Port imap{false}, pop3{false}, backends{true};
  config::Config config;
  int64_t sessions_max = 1000;
  std::shared_ptr<Snapshot> snapshot;
  std::unique_ptr<Shared> shared;
  std::vector<std::unique_ptr<Worker>> workers;
  bool running = false;

 private:
  void add_listener(const std::string& protocol, const Port& port) {
    config::Listener listener;
    listener.name = listener.protocol = protocol;
    listener.addresses = {{"127.0.0.1", port.number()}};
    listener.tls = config::Tls::off;
    listener.plaintext_login = true;
    config.startup.listeners.push_back(listener);
  }
};

}  // namespace postigo
