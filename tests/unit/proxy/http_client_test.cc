// Questions over HTTP against a server that says whatever it likes: what is sent, what is made of the answer, how many
// ask at a time, and that nobody waits for ever.
#include "proxy/net/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <optional>

#include "tests/fakes/dns_server.h"
#include "tests/fakes/web_server.h"
#include "tests/unit/proxy/certificates.h"
#include "tests/unit/proxy/loop_fixture.h"

namespace postigo {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;
using testing::StartsWith;

class HttpClientTest : public LoopTest {
 protected:
  static void SetUpTestSuite() { std::signal(SIGPIPE, SIG_IGN); }
  void SetUp() override {
    settings.servers = {{"127.0.0.1", names.port()}};
    settings.timeout_ms = 200;
    settings.tries = 1;
    resolver = std::make_unique<Resolver>(loop, settings);
    client.use(*resolver);
  }
  void TearDown() override {
    client.close();
    resolver.reset();
    LoopTest::TearDown();
  }

  static HttpRequest get(const std::string& url) {
    HttpRequest request;
    request.method = "GET";
    request.url = url;
    request.timeout_ms = 8'000;
    return request;
  }
  HttpAnswer ask(HttpRequest request) {
    std::optional<HttpAnswer> answer;
    Ticket ticket = client.fetch(std::move(request), [&](HttpAnswer got) { answer = std::move(got); });
    EXPECT_FALSE(answer.has_value()) << "never from inside fetch()";
    EXPECT_TRUE(run_until([&] { return answer.has_value(); }));
    return answer.value_or(HttpAnswer{.why = "no answer at all"});
  }
  // Why there was no answer to what the server says.
  std::string why(const std::string& said) {
    WebServer server([&](const std::string&) { return said; });
    HttpAnswer answer = ask(get(server.url()));
    EXPECT_EQ(answer.status, 0);
    EXPECT_TRUE(answer.headers.empty() && answer.body.empty());
    return answer.why;
  }

  DnsServer names;
  config::Resolver settings;
  std::unique_ptr<Resolver> resolver;
  HttpClient client{loop};
};

TEST_F(HttpClientTest, WhatIsAskedAndAnswered) {
  WebServer server([](const std::string&) {
    return "HTTP/1.1 418 Teapot\r\nAuth-STATUS: OK \r\nX: 1\r\nx: 2\r\nContent-Length: 5\r\n\r\nhello";
  });
  HttpRequest request;
  request.url = server.url("/a?b=c");
  request.headers = {{"Content-Type", "application/json"}, {"X-Empty", ""}, {"Accept", "application/json"}};
  request.body = Secret("{}");
  request.login = "anna";
  request.password = Secret("secret");
  HttpAnswer answer = ask(std::move(request));
  EXPECT_EQ(answer.why, "");
  EXPECT_EQ(answer.status, 418);
  EXPECT_EQ(answer.body, "hello");
  EXPECT_THAT(answer.headers,
              ElementsAre(Pair("auth-status", "OK"), Pair("x", "1"), Pair("x", "2"), Pair("content-length", "5")));
  ASSERT_EQ(server.asked().size(), 1u);
  EXPECT_EQ(server.asked()[0], "POST /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:" + server.port() +
                                   "\r\nAuthorization: Basic YW5uYTpzZWNyZXQ=\r\nContent-Type: application/json\r\n"
                                   "X-Empty:\r\nAccept: application/json\r\nContent-Length: 2\r\n\r\n{}");
}

TEST_F(HttpClientTest, AGetHasNoBodyAndNoHeadersOfItsOwn) {
  WebServer server([](const std::string&) { return WebServer::ok(""); });
  EXPECT_EQ(ask(get(server.url())).status, 200);
  EXPECT_EQ(server.asked()[0], "GET / HTTP/1.1\r\nHost: 127.0.0.1:" + server.port() + "\r\n\r\n");
}

TEST_F(HttpClientTest, ConnectionsAreKept) {
  WebServer server([](const std::string&) { return WebServer::ok("x"); });
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ask(get(server.url())).body, "x");
  EXPECT_EQ(server.connections(), 1);
}

// A server may close what it kept for a while, at any moment: the question is asked again.
TEST_F(HttpClientTest, AConnectionThatEndedMeanwhileIsNoFailure) {
  WebServer server(
      [](const std::string&) { return "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n"; });
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(get(server.url())).status, 200);
}

TEST_F(HttpClientTest, SoManyAtATimeAndTheOthersWait) {
  WebServer server([](const std::string&) {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    return WebServer::ok("x");
  });
  int answered = 0;
  std::vector<Ticket> tickets;
  for (int i = 0; i < 12; ++i) {
    HttpRequest request = get(server.url("/" + std::to_string(i)));
    request.connections_max = 3;
    tickets.push_back(client.fetch(std::move(request), [&](const HttpAnswer& answer) {
      EXPECT_EQ(answer.body, "x") << answer.why;
      ++answered;
    }));
  }
  tickets.erase(tickets.begin() + 4, tickets.begin() + 6);  // two leave before their turn
  EXPECT_TRUE(run_until([&] { return answered == 10; }));
  EXPECT_EQ(server.most_at_once(), 3);
  EXPECT_LE(server.connections(), 3);
}

TEST_F(HttpClientTest, AServerThatIsSlowHoldsUpNoOther) {
  WebServer slow([](const std::string&) { return std::string(); });
  WebServer quick([](const std::string&) { return WebServer::ok("x"); });
  std::vector<Ticket> tickets;
  for (int i = 0; i < 5; ++i) {
    HttpRequest request = get(slow.url());
    request.connections_max = 1;
    tickets.push_back(client.fetch(std::move(request), [](const HttpAnswer&) { ADD_FAILURE() << "nobody waits"; }));
  }
  EXPECT_EQ(ask(get(quick.url())).body, "x");
}

TEST_F(HttpClientTest, NobodyWaitsForEver) {
  WebServer server([](const std::string&) { return std::string(); });
  std::vector<std::string> why;
  std::vector<Ticket> tickets;
  for (int i = 0; i < 3; ++i) {
    HttpRequest request = get(server.url());
    request.timeout_ms = 300;
    request.connections_max = 1;
    tickets.push_back(client.fetch(std::move(request), [&](const HttpAnswer& answer) { why.push_back(answer.why); }));
  }
  EXPECT_TRUE(run_until([&] { return why.size() == 3; }));
  EXPECT_THAT(why, testing::Contains(HasSubstr("timed out")));
  EXPECT_THAT(why, testing::Contains("no connection was free in time"));
}

TEST_F(HttpClientTest, WhoLeavesHearsNothing) {
  WebServer server([](const std::string&) { return WebServer::ok("x"); });
  auto held = std::make_shared<int>(0);
  for (const std::string& url : {server.url(), server.url("/", "nowhere.test"), std::string("ftp://x/")}) {
    Ticket ticket = client.fetch(get(url), [held](const HttpAnswer&) { ++*held; });
  }
  EXPECT_EQ(held.use_count(), 1);
  Ticket outlives = client.fetch(get(server.url()), [held](const HttpAnswer&) { ++*held; });
  client.close();
  run_for(60);
  EXPECT_EQ(*held, 0);
  Ticket late = client.fetch(get(server.url()), [held](const HttpAnswer&) { ++*held; });
  run_for(60);
  EXPECT_EQ(*held, 0);
}

TEST_F(HttpClientTest, NamesAreTheResolversAndAllTheirAddressesAreTried) {
  WebServer server([](const std::string&) { return WebServer::ok("x"); });
  names.tell("web.test", {.addresses = {"127.0.0.9", "127.0.0.1", "127.0.0.8"}});
  for (int i = 0; i < 4; ++i) {
    HttpAnswer answer = ask(get(server.url("/", "web.test")));
    EXPECT_EQ(answer.body, "x") << answer.why;
  }
  EXPECT_EQ(names.asked("web.test"), 1);
  EXPECT_EQ(server.connections(), 1);
  EXPECT_THAT(server.asked()[0], HasSubstr("Host: web.test:" + server.port()));
}

TEST_F(HttpClientTest, AddressesThatAreMissing) {
  EXPECT_THAT(ask(get("http://nowhere.test/")).why, HasSubstr("cannot resolve nowhere.test"));
  names.tell("silent.test", {.silent = true});
  HttpRequest request = get("http://silent.test/");
  request.timeout_ms = 100;
  EXPECT_EQ(ask(std::move(request)).why, "no address in time");
  EXPECT_THAT(ask(get("http://127.0.0.1:1/")).why, HasSubstr("Failed to connect"));
  EXPECT_THAT(ask(get("http://[::1]:1/")).why, HasSubstr("Failed to connect"));
}

TEST_F(HttpClientTest, RedirectsAreAnswersAndProxiesOfTheEnvironmentNobodys) {
  setenv("http_proxy", "http://127.0.0.1:1/", 1);
  WebServer server([](const std::string&) {
    return "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
  });
  HttpAnswer answer = ask(get(server.url()));
  unsetenv("http_proxy");
  EXPECT_EQ(answer.status, 302) << answer.why;
  EXPECT_EQ(server.asked().size(), 1u);
}

TEST_F(HttpClientTest, A3_WhatCannotBeAskedIsNot) {
  EXPECT_EQ(ask(get("ftp://127.0.0.1/")).why, "the URL is neither http nor https");
  EXPECT_EQ(ask(get("file:///etc/passwd")).why, "the URL is neither http nor https");
  EXPECT_THAT(ask(get("http://anna:canary@127.0.0.1/")).why,
              testing::AllOf(StartsWith("the URL is of no use"), Not(HasSubstr("canary"))));
  EXPECT_THAT(ask(get("http://")).why, StartsWith("the URL is of no use"));
  for (const std::string& value : {std::string("a\r\nX: b"), std::string("a\nb"), std::string("a\0b", 3)}) {
    HttpRequest request = get("http://127.0.0.1:1/");
    request.headers = {{"X-Name", value}};
    EXPECT_EQ(ask(std::move(request)).why, "the header X-Name is not one line");
  }
}

TEST_F(HttpClientTest, AnswersAreBounded) {
  EXPECT_EQ(why(WebServer::ok(std::string(HttpAnswer::kBodyMax + 1, 'x'))), "an answer with too long a body");
  EXPECT_EQ(why(WebServer::ok("", "X: " + std::string(70'000, 'x') + "\r\n")), "an answer with too long a head");
  std::string many;
  for (size_t i = 0; i < HttpAnswer::kHeadersMax; ++i) many += "X: y\r\n";
  EXPECT_EQ(why(WebServer::ok("", many)), "an answer with too many headers");
  WebServer server([](const std::string&) { return WebServer::ok(std::string(HttpAnswer::kBodyMax, 'x')); });
  EXPECT_EQ(ask(get(server.url())).body.size(), HttpAnswer::kBodyMax);
}

TEST_F(HttpClientTest, NonsenseIsNoAnswer) {
  for (const char* said :
       {"\xff\xfe garbage\r\n\r\n", "SSH-2.0-x\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"}) {
    EXPECT_NE(why(said), "") << said;
  }
}

// RFC 9112 8: what would have followed may have changed its meaning, such as where somebody lives.
TEST_F(HttpClientTest, AHeadThatWasCutOffIsNoAnswer) {
  for (const char* said :
       {"HTTP/1.0 200 OK\r\n", "HTTP/1.0 200 OK\r\nAuth-Status: OK\r\n",
        "HTTP/1.0 200 OK\r\nAuth-Status: OK\r\nAuth-Server: 192.0.2.1", "HTTP/1.0 200 OK\r\nAuth-Status: OK\r\n\r",
        "HTTP/1.0 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n"}) {
    WebServer server([&](const std::string&) { return said; });
    for (bool alone : {false, true}) {
      HttpRequest request = get(server.url());
      request.head_alone = alone;
      EXPECT_EQ(ask(std::move(request)).status, 0) << said;
    }
  }
}

// Some daemons say neither how long their body is nor that it is over: nginx looks at the head alone.
TEST_F(HttpClientTest, AHeadAloneIsAnAnswerIfNothingElseIsWanted) {
  WebServer endless([](const std::string&) { return "HTTP/1.1 200 OK\r\nAuth-Status: OK\r\n\r\n"; });
  HttpRequest request = get(endless.url());
  request.head_alone = true;
  HttpAnswer answer = ask(std::move(request));
  EXPECT_EQ(answer.why, "");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.headers, ElementsAre(Pair("auth-status", "OK")));
  WebServer whole([](const std::string&) { return "HTTP/1.1 100 Continue\r\n\r\n" + WebServer::ok("x"); });
  for (int i = 0; i < 3; ++i) {
    request = get(whole.url());
    request.head_alone = true;
    EXPECT_EQ(ask(std::move(request)).status, 200);
  }
  EXPECT_EQ(whole.connections(), 1);
}

TEST_F(HttpClientTest, CertificatesAreCheckedAndSoIsTheirName) {
  Authority authority, other;
  config::Certificate files = authority.issue("web.test", "DNS:web.test");
  names.tell("web.test", {.addresses = {"127.0.0.1"}});
  names.tell("wrong.test", {.addresses = {"127.0.0.1"}});
  WebServer server([](const std::string&) { return WebServer::ok("x"); }, files.certificate_file, files.key_file);
  auto said = [&](const std::string& host, const std::string& ca, bool verify) {
    HttpRequest request = get(server.url("/", host));
    request.tls_ca = ca;
    request.tls_verify = verify;
    HttpAnswer answer = ask(std::move(request));
    return answer.body + answer.why;
  };
  EXPECT_EQ(said("web.test", authority.ca_file(), true), "x");
  EXPECT_THAT(said("wrong.test", authority.ca_file(), true), HasSubstr("target host name"));
  EXPECT_NE(said("web.test", other.ca_file(), true), "x");
  EXPECT_THAT(said("web.test", "", true), HasSubstr("certificate"));
  EXPECT_EQ(said("wrong.test", "", false), "x");
  EXPECT_EQ(said("web.test", authority.ca_file(), true), "x");
  EXPECT_THAT(said("web.test", "/nonexistent.pem", true), HasSubstr("certificate"));
}

}  // namespace
}  // namespace postigo
