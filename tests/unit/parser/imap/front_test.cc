// What transcripts (tests/dialogue/imap) do not show well: limits, lifetimes, secrets.
#include "parser/imap/front.h"

#include <gtest/gtest.h>

#include "parser/base/base64.h"
#include "parser/base/limits.h"
#include "tests/fakes/sasl_facts.h"

namespace postigo::imap {
namespace {

class Front : public testing::Test {
 protected:
  Front() {
    policy_.hostname = "mail.example.org";
    policy_.starttls_offered = true;
    policy_.mechanisms = {"PLAIN", "LOGIN"};
    policy_.capabilities = std::make_shared<CapabilityPolicy>();
    renew();
  }
  void renew(bool tls = true) {
    front_ = make_front(policy_, tls, facts_);
    out_.clear();
    front_->open(out_);
    out_.clear();
    buffer_.clear();
  }
  // Feeds what is left and more, until an event or no progress. The replies are in text_.
  Event feed(std::string_view bytes) {
    buffer_ += bytes;
    Step step = front_->feed(buffer_, out_);
    buffer_.erase(0, step.consumed);
    text_ = out_.view();
    EXPECT_FALSE(out_.overflowed());
    out_.clear();
    return step.event;
  }

  FrontPolicy policy_;
  FakeFacts facts_;
  std::unique_ptr<FrontDialogue> front_;
  Out out_;
  std::string buffer_;
  std::string text_;
};

TEST_F(Front, T63_A4_OnlyAProxyIsAskedForHops) {
  feed("a ID (\"x-proxy-ttl\" \"1\" \"x-originating-ip\" \"9.9.9.9\")\r\n");
  EXPECT_FALSE(front_->hops_left()) << "a client says what he likes";
  policy_.peer_is_proxy = true;
  renew();
  feed("a ID (\"X-Proxy-TTL\" \"3\" \"x-originating-ip\" \"9.9.9.9\" \"name\" \"x\" \"X-Forward-uid\" \"0\")\r\n");
  EXPECT_EQ(front_->hops_left(), 3u);
  EXPECT_EQ(front_->client_id(), "\"name\" \"x\"") << "the rest is not believed";
  for (std::string other : {"\"9\"", "\"-1\"", "\"x\"", "\"\"", "NIL", "\"99999999999\"", "\"2 \""}) {
    feed("a ID (\"x-proxy-ttl\" " + other + ")\r\n");
    EXPECT_EQ(front_->hops_left(), 3u) << "no hop comes back: " << other;
  }
  feed("a ID (\"x-proxy-ttl\" \"0\")\r\n");
  EXPECT_EQ(front_->hops_left(), 0u);
  renew(false);
  feed("a ID (\"x-proxy-ttl\" \"1\")\r\nb STARTTLS\r\n");
  front_->tls_established();
  EXPECT_FALSE(front_->hops_left()) << "T27: whoever said it in clear text";
}

TEST_F(Front, A4_WhoSpeaksForItsClientIsBelievedOnce) {
  const std::string id =
      "\"x-originating-ip\" \"192.0.2.7\" \"x-forward-uid\" \"0\" \"x-forward-n\" \"a \\\"b\" \"name\" \"x\"";
  policy_.peer_is_proxy = true;
  renew();
  feed("a ID (" + id + ")\r\n");
  EXPECT_EQ(front_->told(), nullptr) << "a balancer's client";
  policy_.peer_speaks = true;
  renew(false);
  feed("a ID (\"x\r\n");
  EXPECT_EQ(front_->told(), nullptr);
  feed("a ID (" + id + " \"X-Forward-UID\" \"1\" \"x-forward-\" \"2\" \"x-forward-8bit\" {2+}\r\n\xc3\xa4)\r\n");
  feed("a ID (\"x-originating-ip\" \"9.9.9.9\" \"x-forward-more\" \"1\" \"x-connected-port\" \"1\")\r\n");
  ASSERT_NE(front_->told(), nullptr);
  EXPECT_EQ(front_->told()->client_ip, "192.0.2.7");
  EXPECT_EQ(front_->told()->local_port, 0) << "what comes behind may be a client's";
  EXPECT_EQ(front_->told()->forward, (std::vector<ForwardField>{{"uid", "0"}, {"n", "a \"b"}}));
  EXPECT_EQ(front_->told()->tls, std::nullopt);
  feed("b STARTTLS\r\n");
  front_->tls_established();
  EXPECT_EQ(front_->told(), nullptr) << "T27";
}

TEST_F(Front, T3_LiteralPlusHasNoLimitOf4096) {
  std::string user(4500, 'u');
  EXPECT_EQ(feed("a LOGIN {4500+}\r\n" + user + " x\r\n"), Event::authenticate);
  EXPECT_FALSE(front_->credentials().possible) << "read, and refused as a name";
}

TEST_F(Front, T76_TooLongIsAWrongPasswordAndNoErrorOfSyntax) {
  const std::string octets(limits::kPasswordMax + 1, 'p');
  const std::string base64(limits::kSaslLineMax, 'A');
  const std::pair<std::string, std::string> table[] = {
      {"a LOGIN bob \"" + octets + "\"\r\n", "LOGIN bob"},
      {"a LOGIN bob {" + std::to_string(octets.size()) + "}\r\n", "LOGIN "},
      {"a LOGIN bob \"\"\r\n", "LOGIN bob"},
      {"a LOGIN {5+}\r\na\r\nb! x\r\n", "LOGIN a\r\nb!"},
      {"a AUTHENTICATE PLAIN\r\n" + base64 + base64 + "\r\n", "PLAIN "},
      {"a AUTHENTICATE LOGIN\r\n" + base64 + "\r\n", "LOGIN "},
      {"a AUTHENTICATE PLAIN " + base64 + "\r\n", ""},  // all octets NUL: no message at all
  };
  for (const auto& [input, who] : table) {
    renew();
    SCOPED_TRACE(input.substr(0, 30));
    Event event = feed(input);
    if (who.empty()) {
      EXPECT_EQ(text_, "a BAD Invalid SASL response.\r\n");
      continue;
    }
    ASSERT_EQ(event, Event::authenticate);
    EXPECT_FALSE(front_->credentials().possible);
    EXPECT_TRUE(front_->credentials().password.empty());
    EXPECT_EQ(front_->credentials().mechanism + " " + front_->credentials().user, who);
    EXPECT_EQ(front_->refuse({Refusal::Kind::bad_credentials, ""}, out_), Event::need_input);
    EXPECT_EQ(feed("b NOOP\r\n"), Event::need_input);
    EXPECT_EQ(text_, "a NO [AUTHENTICATIONFAILED] Authentication failed.\r\nb OK NOOP completed.\r\n");
  }
}

TEST_F(Front, T76_EightKilobytesOfSaslAndOfLiterals) {
  const std::string password(8192, 'p');
  ASSERT_EQ(feed("a LOGIN bob {8192+}\r\n" + password + "\r\n"), Event::authenticate);
  EXPECT_TRUE(front_->credentials().password.equals(password));
  front_->refuse({}, out_);
  ASSERT_EQ(feed("a AUTHENTICATE PLAIN\r\n" + base64_encode(std::string("\0bob\0", 5) + password) + "\r\n"),
            Event::authenticate);
  EXPECT_TRUE(front_->credentials().password.equals(password));
}

TEST_F(Front, OneBudgetOfAttempts_UnavailableIsNoFailure) {
  for (int i = 0; i < limits::kAuthFailuresMax * 3; ++i) {
    ASSERT_EQ(feed("a LOGIN bob x\r\n"), Event::authenticate);
    EXPECT_EQ(front_->refuse({Refusal::Kind::unavailable, ""}, out_), Event::need_input);
  }
}

TEST_F(Front, T47_AnAlertComesBeforeTheAnswer) {
  ASSERT_EQ(feed("a LOGIN bob x\r\n"), Event::authenticate);
  front_->alert("Read this.", out_);
  front_->accept({}, out_);
  EXPECT_EQ(out_.view(), "* OK [ALERT] Read this.\r\na OK Logged in.\r\n");
}

TEST_F(Front, T36_BeforeLoginShowsWhatTheOperatorNames) {
  auto capabilities = std::make_shared<CapabilityPolicy>();
  capabilities->before_login = {"ENABLE", "IDLE"};
  capabilities->hide = {"IDLE"};
  policy_.capabilities = capabilities;
  renew();
  EXPECT_EQ(feed("a CAPABILITY\r\n"), Event::need_input);
  EXPECT_EQ(text_,
            "* CAPABILITY IMAP4rev1 LITERAL+ SASL-IR ID ENABLE AUTH=PLAIN AUTH=LOGIN\r\n"
            "a OK CAPABILITY completed.\r\n");
}

TEST_F(Front, T11_IdOf31Kilobytes) {
  std::string id = "a ID (";
  for (int i = 0; i < 30; ++i)
    id += "\"" + std::string(28, 'k') + std::to_string(10 + i) + "\" \"" + std::string(1000, 'v') + "\" ";
  id.back() = ')';
  ASSERT_GT(id.size(), 30000u);
  EXPECT_EQ(feed(id + "\r\n"), Event::need_input);
  EXPECT_EQ(text_, "* ID (\"name\" \"Postigo\")\r\na OK ID completed.\r\n");
}

TEST_F(Front, T12_GarbageAndEndlessTag) {
  for (const std::string& piece : {std::string("x"), std::string("("), std::string("a "), std::string("\x80")}) {
    renew();
    std::string garbage;
    while (garbage.size() < limits::kCommandMax) garbage += piece;
    EXPECT_EQ(feed(garbage), Event::hang_up);
    EXPECT_EQ(text_, "* BYE Command too long.\r\n");
    EXPECT_EQ(front_->feed("a NOOP\r\n", out_).event, Event::hang_up) << "and stays so";
  }
}

TEST_F(Front, A12_HundredThousandParentheses) {
  std::string parentheses(100000, '(');
  EXPECT_EQ(feed("a ID " + parentheses + "\r\n"), Event::hang_up);
  renew();
  for (int i = 0; i < 9; ++i) {
    EXPECT_EQ(feed("a ID " + std::string(20000, '(') + "\r\n"), Event::need_input);
    EXPECT_EQ(text_, "a BAD ID takes a list of strings, or NIL.\r\n");
  }
}

TEST_F(Front, T17_LongSaslResponses) {
  EXPECT_EQ(feed("a AUTHENTICATE PLAIN\r\n"), Event::need_input);
  EXPECT_EQ(feed(std::string(20000, 'A') + "\r\n"), Event::need_input);
  EXPECT_EQ(text_, "a BAD Invalid SASL response.\r\n");
  EXPECT_EQ(feed("a AUTHENTICATE PLAIN\r\n"), Event::need_input);
  EXPECT_EQ(feed(std::string(limits::kCommandMax, 'A')), Event::need_input);
  EXPECT_EQ(feed("A"), Event::hang_up) << "but not for ever";
}

TEST_F(Front, CommandsBeforeLoginAreLimited) {
  Event event = Event::need_input;
  unsigned commands = 0;
  while (event == Event::need_input && commands < 1000) {
    event = feed("a NOOP\r\n");
    ++commands;
  }
  EXPECT_EQ(event, Event::hang_up);
  EXPECT_EQ(commands, limits::kCommandsBeforeLoginMax);
  EXPECT_EQ(front_->commands(), commands);
}

TEST_F(Front, RepliesToOneWriteFit) {
  std::string commands;
  for (int i = 0; i < 200; ++i) commands += std::string(limits::kTagMax, 't') + " CAPABILITY\r\n";
  EXPECT_EQ(feed(commands), Event::hang_up) << "feed() checks that Out did not overflow";
}

TEST_F(Front, A16_A33_NothingOfOneLoginIsInTheNext) {
  const std::string canary = "canary-5b2f";
  ASSERT_EQ(feed("a LOGIN " + canary + "-user " + canary + "-password\r\n"), Event::authenticate);
  EXPECT_EQ(front_->credentials().user, canary + "-user");
  EXPECT_EQ(front_->refuse({Refusal::Kind::bad_credentials, ""}, out_), Event::need_input);
  EXPECT_EQ(out_.view().find("canary"), Bytes::npos);
  out_.clear();
  ASSERT_EQ(feed("b LOGIN bob secret\r\n"), Event::authenticate);
  EXPECT_EQ(front_->credentials().user, "bob");
  EXPECT_EQ(front_->credentials().password.reveal(), "secret");
  EXPECT_EQ(front_->credentials().authzid, "");
  front_->accept({"IMAP4REV1"}, out_);
  EXPECT_EQ(out_.view(), "b OK [CAPABILITY IMAP4rev1] Logged in.\r\n");
  EXPECT_TRUE(front_->credentials().password.empty());
}

TEST_F(Front, A33_CredentialsAreNeverEchoed) {
  const std::string canary = "canary-5b2f";
  std::string all;
  for (const std::string& command :
       {"a LOGIN \"" + canary + "\r\n", "a LOGIN " + canary + " " + canary + " " + canary + "\r\n",
        "a AUTHENTICATE PLAIN " + canary + "\r\n", "a " + canary + "! x\r\n"}) {
    feed(command);
    all += text_;
  }
  EXPECT_EQ(all.find("canary"), std::string::npos) << all;
}

TEST_F(Front, T27_TlsForgetsEverything) {
  renew(false);
  feed("a ID (\"name\" \"Mutt\")\r\n");
  EXPECT_EQ(front_->client_id(), "\"name\" \"Mutt\"");
  feed("a ID (\"x-originating-ip\" \"1\")\r\n");
  EXPECT_EQ(front_->client_id(), "NIL");
  EXPECT_EQ(feed("b STARTTLS\r\n"), Event::start_tls);
  front_->tls_established();
  EXPECT_EQ(front_->client_id(), "");
  EXPECT_EQ(front_->commands(), 3u);
  EXPECT_EQ(feed("c CAPABILITY\r\n"), Event::need_input);
  EXPECT_EQ(text_,
            "* CAPABILITY IMAP4rev1 LITERAL+ SASL-IR ID AUTH=PLAIN AUTH=LOGIN\r\nc OK CAPABILITY completed.\r\n");
}

TEST_F(Front, T27_ClearTextBetweenOkAndHandshakeEndsIt) {
  renew(false);
  EXPECT_EQ(feed("a STARTTLS\r\n"), Event::start_tls);
  EXPECT_EQ(feed("b NOOP\r\n"), Event::hang_up);
}

TEST_F(Front, A14_DroppedInEveryState) {
  for (const char* input : {"", "a", "a LOGIN {5}\r\n", "a LOGIN {5}\r\nab", "a AUTHENTICATE PLAIN\r\n",
                            "a AUTHENTICATE LOGIN\r\nYQ==\r\n", "a LOGIN x y\r\n", "a LOGOUT\r\n"}) {
    renew();
    feed(input);
    front_.reset();
  }
}

TEST_F(Front, StateNames) {
  EXPECT_EQ(front_->state_name(), "command");
  feed("a AUTHENTICATE PLAIN\r\n");
  EXPECT_EQ(front_->state_name(), "sasl");
  feed("AGEAYg==\r\n");
  EXPECT_EQ(front_->state_name(), "authenticating");
  EXPECT_EQ(feed("b NOOP\r\n"), Event::need_input) << "waits for accept() or refuse()";
  EXPECT_EQ(buffer_, "b NOOP\r\n");
  front_->refuse({}, out_);
  EXPECT_EQ(front_->state_name(), "command");
}

TEST_F(Front, Farewells) {
  front_->farewell(Farewell::shutting_down, out_);
  front_->farewell(Farewell::idle_too_long, out_);
  front_->farewell(Farewell::too_many_connections, out_);
  front_->farewell(Farewell::internal_error, out_);
  EXPECT_EQ(out_.view(),
            "* BYE [UNAVAILABLE] Server is shutting down.\r\n* BYE Idle for too long before login.\r\n"
            "* BYE [UNAVAILABLE] Too many connections.\r\n* BYE [SERVERBUG] Internal error.\r\n");
  EXPECT_EQ(front_->state_name(), "over");
}

}  // namespace
}  // namespace postigo::imap
