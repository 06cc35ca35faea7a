// The real nginx beside ours: both ask the same daemon about the same login, and must ask the same.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <optional>
#include <sstream>
#include <thread>

#include "backends/directory/factory.h"
#include "proxy/base/mailbox.h"
#include "proxy/net/env_uv.h"
#include "tests/fakes/web_server.h"
#include "tests/unit/backends/temporary.h"
#include "tests/unit/proxy/loop_fixture.h"

extern char** environ;

namespace postigo {
namespace {

constexpr const char* kNginx = "/usr/sbin/nginx";
constexpr const char* kModule = "/usr/lib/nginx/modules/ngx_mail_module.so";

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

uint16_t free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof(address);
  EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  close(fd);
  return ntohs(address.sin_port);
}

// nginx's mail proxy, for as long as this lives.
class Nginx {
 public:
  explicit Nginx(const WebServer& daemon) {
    std::ofstream(folder_.file("nginx.conf"))
        << "load_module " << kModule << ";\ndaemon off; master_process off; pid " << folder_.file("pid")
        << ";\nerror_log " << folder_.file("log") << ";\nevents {}\nmail { auth_http 127.0.0.1:" << daemon.port()
        << "/auth?x=1; auth_http_header X-Key \"some key\"; imap_auth plain login;\n"
        << "server { listen 127.0.0.1:" << imap << "; protocol imap; }\n"
        << "server { listen 127.0.0.1:" << pop3 << "; protocol pop3; } }\n";
    std::string configuration = folder_.file("nginx.conf"), prefix = folder_.file(""), log = folder_.file("log");
    std::string words[] = {"nginx", "-p", prefix, "-e", log, "-c", configuration};
    char* texts[] = {words[0].data(), words[1].data(), words[2].data(), words[3].data(),
                     words[4].data(), words[5].data(), words[6].data(), nullptr};
    EXPECT_EQ(posix_spawn(&process_, kNginx, nullptr, nullptr, texts, environ), 0);
  }
  ~Nginx() {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  // Lines to it, each answered by one.
  void talk(uint16_t port, const std::vector<std::string>& lines) const {
    const int fd = connected(port);
    ASSERT_GE(fd, 0) << "nginx does not listen";
    std::string heard = line(fd);
    for (const std::string& each : lines) {
      const std::string said = each + "\r\n";
      ASSERT_EQ(send(fd, said.data(), said.size(), MSG_NOSIGNAL), static_cast<ssize_t>(said.size()));
      heard = line(fd);
    }
    close(fd);
  }
  const uint16_t imap = free_port(), pop3 = free_port();

 private:
  static int connected(uint16_t port) {
    const sockaddr_in address = loopback(port);
    for (int i = 0; i < 1500; ++i) {
      const int fd = socket(AF_INET, SOCK_STREAM, 0);
      if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return fd;
      close(fd);
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return -1;
  }
  static std::string line(int fd) {
    std::string heard;
    for (char octet = 0; octet != '\n' && recv(fd, &octet, 1, 0) == 1;) heard += octet;
    return heard;
  }

  Temporary folder_;
  pid_t process_ = 0;
};

class NginxDialect : public LoopTest {
 protected:
  void SetUp() override {
    if (access(kNginx, X_OK) != 0 || access(kModule, R_OK) != 0) GTEST_SKIP() << "there is no nginx with mail";
    http.use(resolver);
  }
  void TearDown() override {
    http.close();
    mailbox->close();
    LoopTest::TearDown();
  }
  // Target and headers but Host, in order: nginx speaks HTTP/1.0 and leaves the port away.
  static std::vector<std::string> shown(const std::string& request) {
    std::vector<std::string> lines;
    std::istringstream from(request);
    for (std::string line; std::getline(from, line) && line != "\r";) {
      if (line.starts_with("GET ")) line = line.substr(0, line.find(" HTTP/"));
      if (line.starts_with("Host: ")) continue;
      if (line.ends_with('\r')) line.pop_back();
      while (line.ends_with(' ')) line.pop_back();
      lines.push_back(line);
    }
    return lines;
  }
  LookupResult ask(const WebServer& daemon, const Query& query) {
    config::Directory settings;
    settings.name = "users";
    settings.type = config::Directory::Type::http;
    settings.check_password = true;
    settings.http.dialect = config::HttpDirectory::Dialect::nginx;
    settings.http.url = daemon.url("/auth?x=1");
    settings.http.headers = {"X-Key: some key"};
    settings.timeout_ms = 8'000;
    auto directory = (*load_http_directory(settings))->make(env);
    std::optional<LookupResult> result;
    Lookup lookup([&](LookupResult told) { result = std::move(told); });
    directory->start(lookup, query);
    EXPECT_TRUE(run_until([&] { return result.has_value(); }));
    return result.value_or(LookupResult());
  }

  std::shared_ptr<Mailbox> mailbox = std::make_shared<Mailbox>(loop.uv());
  Offload lookups{1, 2}, passwords{1, 2};
  Resolver resolver{loop, config::Resolver()};
  HttpClient http{loop};
  EnvUv env{loop, mailbox, lookups, passwords, http};
};

TEST_F(NginxDialect, AsksWhatNginxItselfAsks) {
  WebServer daemon(
      [](const std::string&) { return "HTTP/1.0 200 OK\r\nAuth-Status: Invalid login or password\r\n\r\n"; });
  Nginx nginx(daemon);
  struct Login {
    std::string user, password;
  };
  for (const Login& login : {Login{"joe@example.com", "secret"}, Login{"na%41me x", "a%b c+/=&?"},
                             Login{"gr\xc3\xbc\xc3\x9f", "\xc3\xa9\x7f"}}) {
    for (const char* protocol : {"imap", "pop3"}) {
      const bool imap = std::string_view(protocol) == "imap";
      const size_t before = daemon.asked().size();
      if (imap) nginx.talk(nginx.imap, {"a LOGIN \"" + login.user + "\" \"" + login.password + '"'});
      if (!imap) nginx.talk(nginx.pop3, {"USER " + login.user, "PASS " + login.password});
      Query query;
      query.user = login.user;
      query.password = Secret(login.password);
      query.mechanism = "PLAIN";
      query.protocol = protocol;
      query.client_ip = "127.0.0.1";
      EXPECT_EQ(ask(daemon, query).verdict, Verdict::bad_credentials);
      const auto asked = daemon.asked();
      ASSERT_EQ(asked.size(), before + 2) << login.user;
      EXPECT_EQ(shown(asked[before + 1]), shown(asked[before])) << login.user;
      EXPECT_GT(shown(asked[before]).size(), 6u);
    }
  }
}

}  // namespace
}  // namespace postigo
