// A real redis-server on loopback, for as long as this lives; in memory alone.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "backends/directory/drivers/redis_connection.h"
#include "tests/unit/backends/temporary.h"

extern char** environ;

namespace postigo {

class RedisServer {
 public:
  static bool there() { return access("/usr/bin/redis-server", X_OK) == 0; }

  // `options`: more of them, each a word. With `tls_options` it speaks TLS and nothing else.
  explicit RedisServer(std::vector<std::string> options = {}, std::vector<std::string> tls_options = {})
      : options_(std::move(options)), tls_options_(std::move(tls_options)), port_(free_port()) {
    start();
  }
  ~RedisServer() { stop(); }
  RedisServer(const RedisServer&) = delete;

  void start() {
    const std::string port = std::to_string(port_);
    std::vector<std::string> words = {"redis-server",     "--bind", "127.0.0.1", "--save",         "",
                                      "--appendonly",     "no",     "--dir",     folder_.file(""), "--logfile",
                                      folder_.file("log")};
    const std::vector<std::string> where = tls_options_.empty()
                                               ? std::vector<std::string>{"--port", port}
                                               : std::vector<std::string>{"--port", "0", "--tls-port", port};
    words.insert(words.end(), where.begin(), where.end());
    words.insert(words.end(), tls_options_.begin(), tls_options_.end());
    words.insert(words.end(), options_.begin(), options_.end());
    std::vector<char*> texts;
    for (std::string& word : words) texts.push_back(word.data());
    texts.push_back(nullptr);
    ASSERT_EQ(posix_spawn(&process_, "/usr/bin/redis-server", nullptr, nullptr, texts.data(), environ), 0);
    for (int i = 0; i < 1500 && !listens(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  void stop() {
    if (process_ <= 0) return;
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
    process_ = 0;
  }
  void hold(bool on) { kill(process_, on ? SIGSTOP : SIGCONT); }

  uint16_t port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  config::Endpoint endpoint() const { return {"127.0.0.1", port_}; }

  RedisReply say(const std::vector<std::string_view>& words, const RedisTerms& terms) {
    auto connection = RedisConnection::open(terms, endpoint());
    EXPECT_TRUE(connection) << connection.error().message;
    auto reply = connection ? (*connection)->ask(words) : fail("no connection");
    EXPECT_TRUE(reply && reply->kind != RedisReply::Kind::error) << words[0] << ' ' << (reply ? reply->text : "");
    return reply.value_or(RedisReply());
  }
  RedisReply say(const std::vector<std::string_view>& words) {
    RedisTerms terms;
    terms.timeout_ms = 10'000;
    return say(words, terms);
  }

 private:
  static uint16_t free_port() {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
    getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    close(fd);
    // A node of a cluster takes another one, 10,000 above.
    return ntohs(address.sin_port) < 55'000 ? ntohs(address.sin_port) : free_port();
  }
  static sockaddr_in loopback(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }
  bool listens() const {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    const sockaddr_in address = loopback(port_);
    const bool there = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
    close(fd);
    return there;
  }

  Temporary folder_;
  std::vector<std::string> options_, tls_options_;
  uint16_t port_;
  pid_t process_ = 0;
};

}  // namespace postigo
