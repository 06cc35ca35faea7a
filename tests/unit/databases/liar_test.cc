// Who listens there is no database: whatever he says, and however slowly, look-ups end in time as "try later".
#include <gmock/gmock.h>
#include <poll.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "tests/unit/databases/asking.h"

namespace postigo::databases {
namespace {

using testing::StartsWith;
using Clock = std::chrono::steady_clock;

// Says `text` to each client at once, then an octet of `more` every 20 ms, for ever; or hangs up, if there is no more.
class Liar {
 public:
  Liar(std::string text, std::string more) : text_(std::move(text)), more_(std::move(more)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* any = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof(address);
    if (bind(socket_, any, size) != 0 || listen(socket_, 8) != 0 || getsockname(socket_, any, &size) != 0) {
      throw std::runtime_error("no port");
    }
    server = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    thread_ = std::thread([this] { serve(); });
  }
  ~Liar() {
    stop_ = true;
    thread_.join();
    close(socket_);
  }

  std::string server;

 private:
  void serve() {
    while (!stop_) {
      pollfd waiting{socket_, POLLIN, 0};
      if (poll(&waiting, 1, 20) <= 0) continue;
      const int client = accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
      bool heard = send(client, text_.data(), text_.size(), MSG_NOSIGNAL) >= 0 && !more_.empty();
      while (heard && !stop_) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        heard = send(client, more_.data(), 1, MSG_NOSIGNAL) == 1;
      }
      close(client);
    }
  }

  const int socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::string text_, more_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

class Liars : public Asking {
 protected:
  void expect_try_later(const Liar& liar) {
    config::Directory directory = database().directory("SELECT 'x' AS password FROM people WHERE name = %u");
    directory.servers = {liar.server};
    directory.timeout_ms = 500;
    const auto begun = Clock::now();
    open(directory);
    EXPECT_THAT(source_->warning(), StartsWith("directory users: " + liar.server + ": "));
    LookupResult told = ask("joe");
    EXPECT_EQ(told.verdict, Verdict::try_later);
    EXPECT_THAT(told.detail, StartsWith("directory users: " + liar.server + ": "));
    EXPECT_LT(Clock::now() - begun, std::chrono::seconds(20));
  }
  // The beginning of a message of 2,000 octets: a request to prove who we are; a greeting.
  std::string promise() const {
    return is_postgresql() ? std::string("R\0\0\x07\xd0\0\0\0\x0a", 9) : std::string("\xd0\x07\0\0\x0a", 5);
  }
};

TEST_P(Liars, NonsenseIsNoAnswer) {
  for (const std::string& text : {std::string("HTTP/1.1 400 Bad Request\r\n\r\n"), std::string("* OK IMAP4rev1\r\n"),
                                  std::string(5000, '\0'), std::string(5000, '\xff'), std::string()}) {
    expect_try_later(Liar(text, ""));
  }
}

TEST_P(Liars, WhoTricklesIsNotWaitedForLongerThanWhoIsSilent) { expect_try_later(Liar(promise(), "x")); }

TEST_P(Liars, TheNextServerIsAsked) {
  database().run("DROP TABLE IF EXISTS people");
  database().run("CREATE TABLE people (name VARCHAR(100), secret VARCHAR(100))");
  database().run("INSERT INTO people VALUES ('joe', '{PLAIN}secret')");
  const Liar liar(promise(), "x");
  config::Directory directory = database().directory("SELECT secret AS password FROM people WHERE name = %u");
  directory.servers.insert(directory.servers.begin(), liar.server);
  directory.timeout_ms = 1000;
  open(directory);
  EXPECT_EQ(ask("joe").verdict, Verdict::ok);
  database().end_connections();
  EXPECT_EQ(ask("joe").verdict, Verdict::ok);
  EXPECT_EQ(ask("eve").verdict, Verdict::no_such_user);
}

INSTANTIATE_TEST_SUITE_P(Databases, Liars, testing::Values(&postgresql, &mariadb), database_name);

}  // namespace
}  // namespace postigo::databases
