// Lines as datagrams: nobody waits for a receiver that does not read, and one that is started again gets the next line.
#include "proxy/base/datagram_writer.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>

#include "tests/unit/backends/temporary.h"

namespace postigo::log {
namespace {

using LogLevel = config::Log::Level;
using testing::HasSubstr;

// Whoever listens at a path.
class Receiver {
 public:
  explicit Receiver(const std::string& path) : path_(path) {
    auto to = destination(path);
    EXPECT_TRUE(to.has_value());
    EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&to->address), to->size), 0) << path;
  }
  ~Receiver() {
    ::close(fd_);
    ::unlink(path_.c_str());
  }
  // Empty: there is none.
  std::string next() const {
    std::string text(1 << 16, 0);
    const ssize_t size = ::recv(fd_, text.data(), text.size(), MSG_DONTWAIT);
    return text.substr(0, size < 0 ? 0 : static_cast<size_t>(size));
  }

 private:
  std::string path_;
  int fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
};

class DatagramWriterTest : public testing::Test {
 protected:
  std::unique_ptr<LineSink> writer_to(const std::string& where) {
    auto made = DatagramWriter::make(where);
    EXPECT_TRUE(made.has_value()) << made.error().message;
    return std::move(*made);
  }
  Temporary folder_;
  std::string path_ = folder_.file("socket");
};

TEST_F(DatagramWriterTest, ALineIsADatagram) {
  Receiver receiver(path_);
  auto writer = writer_to(path_);
  EXPECT_TRUE(writer->write(LogLevel::info, "one"));
  EXPECT_TRUE(writer->write(LogLevel::error, std::string(20'000, 'x'))) << "as much as a line can have";
  EXPECT_EQ(receiver.next(), "one");
  EXPECT_EQ(receiver.next(), std::string(20'000, 'x'));
  EXPECT_EQ(receiver.next(), "");
}

TEST_F(DatagramWriterTest, AFullQueueLosesLinesAndHoldsNobodyUp) {
  Receiver receiver(path_);
  auto writer = writer_to(path_);
  const auto start = std::chrono::steady_clock::now();
  unsigned lost = 0;
  for (int i = 0; i < 5000; ++i) lost += writer->write(LogLevel::info, "line") ? 0 : 1;
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
  unsigned taken = 0;
  while (!receiver.next().empty()) ++taken;
  EXPECT_GT(taken, 0u);
  EXPECT_EQ(taken + lost, 5000u) << "what is not lost has arrived";
  EXPECT_TRUE(writer->write(LogLevel::info, "there is room again"));
}

TEST_F(DatagramWriterTest, WhoIsStartedAgainGetsTheNextLine) {
  auto first = std::make_unique<Receiver>(path_);
  auto writer = writer_to(path_);
  EXPECT_TRUE(writer->write(LogLevel::info, "a"));
  first.reset();
  EXPECT_FALSE(writer->write(LogLevel::info, "lost"));
  Receiver second(path_);
  EXPECT_TRUE(writer->write(LogLevel::info, "b"));
  EXPECT_EQ(second.next(), "b");
}

TEST_F(DatagramWriterTest, ByUdp) {
  for (auto [family, host] : {std::pair(AF_INET, "127.0.0.1"), std::pair(AF_INET6, "[::1]")}) {
    const int fd = ::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    auto any = destination(std::string("udp:") + host + ":1");
    ASSERT_TRUE(any.has_value());
    reinterpret_cast<sockaddr_in&>(any->address).sin_port = 0;  // at the same place in both
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&any->address), any->size) != 0) GTEST_SKIP() << "no " << host;
    sockaddr_storage bound{};
    socklen_t size = sizeof(bound);
    ASSERT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size), 0);
    const unsigned port = ntohs(reinterpret_cast<sockaddr_in&>(bound).sin_port);
    auto writer = writer_to("udp:" + std::string(host) + ":" + std::to_string(port));
    EXPECT_TRUE(writer->write(LogLevel::info, "a line"));
    char text[16];
    EXPECT_EQ(::recv(fd, text, sizeof(text), 0), 6);
    ::close(fd);
  }
}

TEST_F(DatagramWriterTest, WhetherSomebodyListensIsSeenWithoutALine) {
  EXPECT_THAT(check_listener(path_).error().message, HasSubstr("nobody takes the log at " + path_ + ": No such file"));
  {
    Receiver receiver(path_);
    EXPECT_TRUE(check_listener(path_).has_value());
    EXPECT_EQ(receiver.next(), "");
  }
  EXPECT_THAT(check_listener("/" + std::string(200, 'x')).error().message, HasSubstr("too long for a socket"));
  EXPECT_THAT(check_listener("udp:name:514").error().message, HasSubstr("name is no address"));
  EXPECT_TRUE(check_listener("udp:127.0.0.1:9").has_value());
}

}  // namespace
}  // namespace postigo::log
