// A small HTTP server on loopback, a thread for each connection: it says what the test wants, octet by octet, and keeps
// what it was asked. With a certificate it speaks TLS.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace postigo {

class WebServer {
 public:
  // From a whole request to raw octets; empty: silence. Called on the connection's thread.
  using Answer = std::function<std::string(const std::string& request)>;

  explicit WebServer(Answer answer, const std::string& certificate = "", const std::string& key = "")
      : answer_(std::move(answer)) {
    if (!certificate.empty()) {
      tls_.reset(SSL_CTX_new(TLS_method()));
      EXPECT_EQ(SSL_CTX_use_certificate_chain_file(tls_.get(), certificate.c_str()), 1);
      EXPECT_EQ(SSL_CTX_use_PrivateKey_file(tls_.get(), key.c_str(), SSL_FILETYPE_PEM), 1);
    }
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(listen(listener_, 64), 0);
    socklen_t size = sizeof(address);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~WebServer() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    {
      std::lock_guard lock(mutex_);
      for (int fd : open_) shutdown(fd, SHUT_RDWR);
    }
    for (std::thread& each : threads_) each.join();
    close(listener_);
  }
  WebServer(const WebServer&) = delete;

  static std::string ok(const std::string& body, const std::string& headers = "") {
    return "HTTP/1.1 200 OK\r\n" + headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }

  std::string port() const { return std::to_string(port_); }
  std::string url(const std::string& path = "/", const std::string& host = "127.0.0.1") const {
    return (tls_ ? "https://" : "http://") + host + ':' + port() + path;
  }
  std::vector<std::string> asked() const {
    std::lock_guard lock(mutex_);
    return asked_;
  }
  int connections() const { return connections_; }
  int most_at_once() const { return most_; }

 private:
  void run() {
    for (;;) {
      int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      ++connections_;
      std::lock_guard lock(mutex_);
      open_.push_back(fd);
      threads_.emplace_back([this, fd] { serve(fd); });
    }
  }
  void serve(int fd) {
    bssl::UniquePtr<SSL> tls;
    if (tls_) {
      tls.reset(SSL_new(tls_.get()));
      SSL_set_fd(tls.get(), fd);
    }
    if (!tls || SSL_accept(tls.get()) == 1) talk(fd, tls.get());
    std::lock_guard lock(mutex_);
    std::erase(open_, fd);
    close(fd);
  }
  void talk(int fd, SSL* tls) {
    for (std::string heard; hear(fd, tls, heard);) {
      {
        std::lock_guard lock(mutex_);
        asked_.push_back(heard);
      }
      most_ = std::max<int>(most_, ++busy_);
      std::string said = answer_(heard);
      --busy_;
      heard.clear();
      if (said.empty()) continue;
      const ssize_t sent = tls != nullptr ? SSL_write(tls, said.data(), static_cast<int>(said.size()))
                                          : send(fd, said.data(), said.size(), MSG_NOSIGNAL);
      if (sent != static_cast<ssize_t>(said.size()) || said.find("HTTP/1.0") == 0) return;
    }
  }
  // One request.
  static bool hear(int fd, SSL* tls, std::string& heard) {
    char buffer[4096];
    for (;;) {
      const size_t head = heard.find("\r\n\r\n");
      const size_t length = heard.find("Content-Length: ");
      const size_t body = length < head ? std::stoul(heard.substr(length + 16)) : 0;
      if (head != std::string::npos && heard.size() >= head + 4 + body) return true;
      const ssize_t count =
          tls != nullptr ? SSL_read(tls, buffer, sizeof(buffer)) : recv(fd, buffer, sizeof(buffer), 0);
      if (count <= 0) return false;
      heard.append(buffer, static_cast<size_t>(count));
    }
  }

  Answer answer_;
  bssl::UniquePtr<SSL_CTX> tls_;
  int listener_ = -1;
  uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> asked_;
  std::vector<int> open_;
  std::atomic<int> connections_{0}, busy_{0}, most_{0};
  std::vector<std::thread> threads_;
  std::thread thread_;
};

}  // namespace postigo
