// The one line that a session leaves behind: who, from where, how, where to, how much, why it ended (T62).
#include "proxy/session/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/unit/proxy/log_file.h"

namespace postigo {
namespace {

using testing::HasSubstr;
using testing::Not;

Summary complete() {
  Summary summary;
  summary.id = "00c0ffee00c0ffee";
  summary.listener = "imaps";
  summary.protocol = "imap";
  summary.client = *Address::parse("2001:db8::7", 40001);
  summary.user = "alice@example.com";
  summary.authenticated = true;
  summary.mechanism = "PLAIN";
  summary.backend = "b1";
  summary.shard = "s1";
  summary.tls_version = "TLSv1.3";
  summary.tls_cipher = "TLS_AES_128_GCM_SHA256";
  summary.tls_resumed = true;
  summary.backend_tls = true;
  summary.bytes_from_client = 120;
  summary.bytes_from_backend = 5'000'000'000;
  summary.commands = 17;
  summary.start_ms = 1000;
  summary.end_ms = 3500;
  summary.phase = Phase::relay;
  summary.reason = CloseReason::logout;
  return summary;
}

std::string line_of(const Summary& summary) {
  LogFile file;
  write(summary);
  std::vector<std::string> lines = file.lines();
  EXPECT_EQ(lines.size(), 1u);
  return lines.empty() ? "" : lines[0].substr(lines[0].find(' ') + 1);
}

nlohmann::json json_of(const Summary& summary) {
  LogFile file(config::Log::Format::json);
  write(summary);
  EXPECT_EQ(file.lines().size(), 1u);
  return nlohmann::json::parse(file.text());
}

TEST(Summary, ACompleteSession) {
  EXPECT_EQ(line_of(complete()),
            "info session id=00c0ffee00c0ffee protocol=imap listener=imaps client=[2001:db8::7]:40001 "
            "user=alice@example.com tls=TLSv1.3 cipher=TLS_AES_128_GCM_SHA256 resumed=true mechanism=PLAIN backend=b1 "
            "shard=s1 backend_tls=true bytes_in=120 bytes_out=5000000000 commands=17 seconds=2.500 phase=relay "
            "reason=logout");
}

TEST(Summary, TheSameInJson) {
  nlohmann::json line = json_of(complete());
  EXPECT_EQ(line["event"], "session");
  EXPECT_EQ(line["user"], "alice@example.com");
  EXPECT_EQ(line["resumed"], true);
  EXPECT_EQ(line["bytes_out"], 5'000'000'000);
  EXPECT_EQ(line["seconds"], 2.5);
  EXPECT_EQ(line["reason"], "logout");
}

std::string refused_line(const Summary& summary, Refused reason, config::Log::Format format) {
  LogFile file(format);
  write_refused(summary, reason, "b1", "AUTHENTICATIONFAILED");
  std::vector<std::string> lines = file.lines();
  EXPECT_EQ(lines.size(), 1u);
  return lines.empty() ? "" : lines[0];
}

TEST(Summary, ARefusedAttempt) {
  Summary summary = complete();
  summary.authenticated = false;
  summary.refused = 3;
  std::string line = refused_line(summary, Refused::wrong, config::Log::Format::text);
  EXPECT_EQ(line.substr(line.find(' ') + 1),
            "info login_refused id=00c0ffee00c0ffee client=[2001:db8::7]:40001 reason=wrong protocol=imap "
            "listener=imaps mechanism=PLAIN tls=TLSv1.3 attempt=3 backend=b1 code=AUTHENTICATIONFAILED "
            "claimed_user=alice@example.com");
}

// What fail2ban reads stands before anything that a stranger has chosen.
TEST(Summary, T62_TheClaimedNameIsTheLastFieldOfARefusal) {
  for (std::string name :
       {"eve client=192.0.2.1:1", "eve\" reason=wrong client=\"192.0.2.1", "x\",\"client\":\"192.0.2.1",
        "eve\n2026-01-01T00:00:00.000Z info login_refused id=1 client=192.0.2.1:1 reason=wrong"}) {
    Summary summary = complete();
    summary.user = name;
    std::string text = refused_line(summary, Refused::backend_away, config::Log::Format::text);
    EXPECT_LT(text.find(" client=[2001:db8::7]:40001 reason=backend_away "), text.find("claimed_user=")) << text;
    std::string line = refused_line(summary, Refused::backend_away, config::Log::Format::json);
    EXPECT_LT(line.find("\"client\":\"[2001:db8::7]:40001\",\"reason\":\"backend_away\""), line.find("claimed_user"))
        << line;
    nlohmann::json json = nlohmann::json::parse(line);
    EXPECT_EQ(json["client"], "[2001:db8::7]:40001");
    EXPECT_EQ(json["reason"], "backend_away");
  }
}

TEST(Summary, AClientThatOnlyLooked) {
  Summary summary;
  summary.id = "1";
  summary.protocol = summary.listener = "pop3";
  summary.client = *Address::parse("192.0.2.1", 1);
  summary.state = "authorization";
  EXPECT_EQ(line_of(summary),
            "info session id=1 protocol=pop3 listener=pop3 client=192.0.2.1:1 tls=none bytes_in=0 bytes_out=0 "
            "commands=0 seconds=0.000 phase=command state=authorization reason=client_closed");
}

TEST(Summary, T62_AnUnverifiedNameIsCalledClaimed) {
  Summary summary = complete();
  summary.authenticated = false;
  summary.failures = 3;
  std::string line = line_of(summary);
  EXPECT_THAT(line, HasSubstr(" claimed_user=alice@example.com "));
  EXPECT_THAT(line, HasSubstr(" login_failures=3 "));
  EXPECT_THAT(line, Not(HasSubstr(" user=")));
  nlohmann::json json = json_of(summary);
  EXPECT_EQ(json["claimed_user"], "alice@example.com");
  EXPECT_FALSE(json.contains("user"));
}

TEST(Summary, T62_ANameCannotAddFieldsOrLines) {
  for (std::string name : {"eve user=root", "eve\" user=\"root", "eve\nsession user=root", "eve\\\" user=root"}) {
    Summary summary = complete();
    summary.authenticated = false;
    summary.user = name;
    summary.detail = name;
    std::string line = line_of(summary);
    EXPECT_THAT(line, HasSubstr(" claimed_user=\"eve")) << line;
    EXPECT_THAT(line, HasSubstr(" reason=logout detail=\"eve"));
    nlohmann::json json = json_of(summary);
    EXPECT_FALSE(json.contains("user")) << json;
    EXPECT_EQ(json["reason"], "logout");
  }
}

TEST(Summary, T62_ALongNameIsCut) {
  Summary summary = complete();
  summary.user = std::string(100'000, 'a');
  EXPECT_LT(line_of(summary).size(), 1500u);
}

}  // namespace
}  // namespace postigo
