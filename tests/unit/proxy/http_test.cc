// The server of the admin pages: what it answers, what it refuses, and that nobody can keep others out.
#include "proxy/ops/http.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <optional>

#include "tests/unit/proxy/loop_fixture.h"

namespace postigo {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class HttpTest : public LoopTest {
 protected:
  static void SetUpTestSuite() { std::signal(SIGPIPE, SIG_IGN); }
  void SetUp() override {
    uint16_t port = free_port();
    address = *Address::parse("127.0.0.1", port);
    auto fd = Listener::bind(address, true);
    ASSERT_TRUE(fd.has_value()) << fd.error().message;
    auto opened = Http::open(loop, *fd, read_only([this](std::string_view path) {
                               paths.emplace_back(path);
                               return path == "/big" ? Http::Page{.body = std::string(3'000'000, 'x')}
                                                     : Http::Page{.body = "hello\n"};
                             }));
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    http = std::move(*opened);
  }
  void TearDown() override {
    for (int fd : open) close(fd);
    http.reset();
    LoopTest::TearDown();
  }
  static uint16_t free_port() {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    Address any = *Address::parse("127.0.0.1", 0);
    socklen_t size = Address::kSizeMax;
    EXPECT_EQ(bind(fd, any.get(), any.size()), 0);
    getsockname(fd, any.data(), &size);
    close(fd);
    return any.port();
  }

  int knock() {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(connect(fd, address.get(), address.size()), 0);
    open.push_back(fd);
    return fd;
  }
  static void say(int fd, const std::string& text) {
    EXPECT_EQ(send(fd, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  // All until the end; `was_reset` says how it came.
  std::string hear(int fd) {
    std::string heard;
    EXPECT_TRUE(run_until([&] {
      char buffer[65536];
      ssize_t count = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
      if (count > 0) heard.append(buffer, static_cast<size_t>(count));
      was_reset = count < 0 && errno == ECONNRESET;
      return count == 0 || was_reset;
    }));
    return heard;
  }
  std::string ask(const std::string& request) {
    int fd = knock();
    say(fd, request);
    return hear(fd);
  }

  Address address;
  std::unique_ptr<Http> http;
  std::vector<std::string> paths;
  std::vector<int> open;
  bool was_reset = false;
};

TEST_F(HttpTest, Get) {
  EXPECT_EQ(ask("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 6\r\n"
            "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\nhello\n");
}

TEST_F(HttpTest, HeadHasTheSameHeadAndNothingElse) {
  std::string get = ask("GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(ask("HEAD / HTTP/1.0\r\n\r\n"), get.substr(0, get.size() - 6));
}

TEST_F(HttpTest, Paths) {
  for (const char* target : {"/a", "/a?b=/c", "http://host:9090/a", "http://host/a?b"}) {
    EXPECT_THAT(ask(std::string("GET ") + target + " HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 200"));
    EXPECT_EQ(paths.back(), "/a") << target;
  }
  ask("GET http://host HTTP/1.1\r\n\r\n");
  EXPECT_EQ(paths.back(), "/");
}

TEST_F(HttpTest, LinesMayEndInLfAndComeOctetByOctet) {
  EXPECT_THAT(ask("GET / HTTP/1.0\n\n"), StartsWith("HTTP/1.1 200"));
  int fd = knock();
  for (char c : std::string("GET / HTTP/1.1\r\nHost: x\r\n\r\n")) {
    say(fd, std::string(1, c));
    turn();
  }
  EXPECT_THAT(hear(fd), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpTest, OnlyReading) {
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get"}) {
    std::string answer = ask(std::string(method) + " / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 405 Method Not Allowed\r\n")) << method;
    EXPECT_THAT(answer, HasSubstr("\r\nAllow: GET, HEAD\r\n"));
  }
  EXPECT_TRUE(paths.empty());
}

TEST_F(HttpTest, WhatIsNoRequest) {
  for (const char* line : {"", "GET", "GET /", "GET / HTTP/2", "GET / SPDY/1", " / HTTP/1.1", "GET  HTTP/1.1",
                           "GET /a b HTTP/1.1", "GET ?a HTTP/1.1", "GET /\x01 HTTP/1.1", "\x16\x03\x01 hello"}) {
    EXPECT_THAT(ask(std::string(line) + "\r\nHost: x\r\n\r\n"), StartsWith("HTTP/1.1 400 ")) << line;
  }
  EXPECT_THAT(ask("GET / HTTP/1.1\r\nX: " + std::string(Http::kHeadMax, 'x')), StartsWith("HTTP/1.1 431 "));
  EXPECT_TRUE(paths.empty());
}

TEST_F(HttpTest, LargePagesArriveWhole) {
  std::string page = ask("GET /big HTTP/1.1\r\n\r\n");
  EXPECT_EQ(page.size(), page.find("\r\n\r\n") + 4 + 3'000'000);
}

// Octets behind the request are read, so that they do not turn the end into a reset that eats the answer.
TEST_F(HttpTest, ABodyThatNobodyWantsDoesNotEatTheAnswer) {
  int fd = knock();
  say(fd, "POST / HTTP/1.1\r\nContent-Length: 200000\r\n\r\n" + std::string(100'000, 'x'));
  for (int i = 0; i < 20; ++i) turn();
  say(fd, std::string(100'000, 'x'));
  EXPECT_THAT(hear(fd), StartsWith("HTTP/1.1 405 "));
  EXPECT_FALSE(was_reset);
}

TEST_F(HttpTest, SilentClientsKeepNobodyOut) {
  std::vector<int> silent;
  for (int i = 0; i < 200; ++i) {
    silent.push_back(knock());
    if (i % 2 == 1) say(silent.back(), "GET / HT");
  }
  EXPECT_THAT(ask("GET / HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(hear(silent[0]), "") << "the oldest one goes";
  char octet;
  EXPECT_EQ(recv(silent.back(), &octet, 1, MSG_DONTWAIT), -1) << "the youngest ones stay";
}

TEST_F(HttpTest, AClientThatDripsHasItsTimeAndNoMore) {
  int fd = knock();
  uint64_t start_ms = clock_ms();
  bool ended = false;
  while (!ended && clock_ms() - start_ms < Http::kConnectionMs + 5'000) {
    run_for(200);
    char octet;
    ended = send(fd, "x", 1, MSG_NOSIGNAL) < 0 || recv(fd, &octet, 1, MSG_DONTWAIT) == 0;
  }
  EXPECT_TRUE(ended);
  EXPECT_GE(clock_ms() - start_ms, Http::kConnectionMs - 500);
}

TEST_F(HttpTest, ClientsThatLeave) {
  for (const char* text : {"", "GET", "GET /big HTTP/1.1\r\n\r\n"}) {
    int fd = knock();
    say(fd, text);
    turn();
    linger now{1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(fd);
    open.pop_back();
    for (int i = 0; i < 5; ++i) turn();
  }
  EXPECT_THAT(ask("GET / HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpTest, WhoIsConnectedIsAnsweredAfterTheEndOfListening) {
  int fd = knock();
  for (int i = 0; i < 5; ++i) turn();
  http->stop_listening();
  say(fd, "GET / HTTP/1.1\r\n\r\n");
  EXPECT_THAT(hear(fd), StartsWith("HTTP/1.1 200"));
}

}  // namespace
}  // namespace postigo
