// From a configuration to what runs: everything that can fail fails here, in one line that names the culprit.
#include "proxy/snapshot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/unit/proxy/certificates.h"

namespace postigo {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class SnapshotTest : public testing::Test {
 protected:
  SnapshotTest() {
    for (std::string protocol : {"imap", "pop3"}) {
      config::Listener listener;
      listener.name = protocol + "s";
      listener.protocol = protocol;
      config.live.listeners.push_back(listener);
    }
    for (std::string name : {"b1", "b2"}) {
      config::Backend backend;
      backend.name = name;
      backend.host = name + ".example.org";
      backend.ports["imap"] = 143;
      config.live.backends.push_back(backend);
    }
    config::Pool pool;
    pool.name = "main";
    pool.shards = {{"b1", 1.0, {"b1"}}, {"b2", 1.0, {"b2"}}};
    config.live.pools.push_back(pool);
    config.live.tls.certificates = {authority.issue("mail", "DNS:mail.example.org")};
    config.live.auth.mechanisms = {"PLAIN"};
    config.live.hostname = "mail.example.org";
  }
  std::shared_ptr<Snapshot> make() {
    problems.clear();
    auto made = Snapshot::make(config, lasting, problems);
    EXPECT_EQ(made == nullptr, any_fatal(problems));
    return made;
  }
  // All of them, "key: message", one per line.
  std::string problem() {
    make();
    std::string text;
    for (const config::Problem& each : problems) text += (text.empty() ? "" : "\n") + each.key + ": " + each.message;
    return text.empty() ? "none" : text;
  }
  std::string garbage() const {
    std::ofstream(authority.file("garbage.pem"))
        << "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n";
    return authority.file("garbage.pem");
  }
  config::TlsClient& backend_tls(config::Tls mode) {
    config.live.backends[1].tls.mode = mode;
    config.live.backends[1].tls.ca_file = authority.ca_file();
    return config.live.backends[1].tls;
  }

  Authority authority;
  Lasting lasting{std::make_shared<TicketKeys>(3600'000), {}, {}, {}};
  config::Config config;
  config::Problems problems;
};

TEST_F(SnapshotTest, WhatSessionsSee) {
  config.live.listeners[1].tls = config::Tls::starttls;
  config.live.listeners[1].plaintext_login = true;
  config.live.capabilities["imap"].hide = {"idle"};
  config.live.capabilities["imap"].add = {"x-example"};
  backend_tls(config::Tls::implicit);
  auto made = make();
  ASSERT_NE(made, nullptr) << problem();
  const Snapshot& snapshot = *made;
  ASSERT_EQ(snapshot.frontends.size(), 2u);
  const Frontend& imaps = *snapshot.frontends[0];
  EXPECT_EQ(imaps.protocol->name, "imap");
  EXPECT_NE(imaps.tls_context, nullptr);
  EXPECT_FALSE(imaps.policy.starttls_offered);
  EXPECT_EQ(imaps.policy.capabilities->hide, std::vector<std::string>{"IDLE"});
  EXPECT_EQ(imaps.policy.capabilities->add, std::vector<std::string>{"X-EXAMPLE"});
  const Frontend& pop3 = *snapshot.frontends[1];
  EXPECT_TRUE(pop3.policy.starttls_offered);
  EXPECT_TRUE(pop3.policy.plaintext_login_allowed);
  EXPECT_TRUE(pop3.policy.capabilities->hide.empty());
  EXPECT_EQ(&protocols()[pop3.protocol_index], pop3.protocol);
  const Backend& b2 = snapshot.backend("b2");
  EXPECT_EQ(&b2, &snapshot.backends[1]);
  EXPECT_EQ(snapshot.backend("b1").tls[0], nullptr);
  ASSERT_NE(b2.tls[0], nullptr);
  EXPECT_EQ(b2.tls[0]->name(), "b2.example.org");
}

TEST_F(SnapshotTest, ClearTextListenersNeedNoCertificate) {
  config.live.tls.certificates.clear();
  for (config::Listener& listener : config.live.listeners) listener.tls = config::Tls::off;
  auto made = make();
  ASSERT_NE(made, nullptr) << problem();
  EXPECT_EQ(made->certificates, nullptr);
  EXPECT_EQ(made->frontends[0]->tls_context, nullptr);
}

TEST_F(SnapshotTest, TheNameOfABackendCanBeGiven) {
  backend_tls(config::Tls::starttls).name = "mail.example.org";
  auto made = make();
  ASSERT_NE(made, nullptr) << problem();
  EXPECT_EQ(made->backends[1].tls[0]->name(), "mail.example.org");
}

TEST_F(SnapshotTest, ServerCertificatesThatCannotBeUsed) {
  config::Certificate& first = config.live.tls.certificates[0];
  const config::Certificate good = first;
  first.certificate_file = authority.file("absent.pem");
  EXPECT_EQ(problem(), "tls.certificate[0].certificate: " + first.certificate_file +
                           ": cannot open it: No such file or directory");
  first.certificate_file = garbage();
  EXPECT_THAT(problem(), StartsWith("tls.certificate[0].certificate: " + first.certificate_file +
                                    ": certificate 1 in it is damaged"));
  first = good;
  first.key_file = authority.file("absent.key");
  EXPECT_THAT(problem(), StartsWith("tls.certificate[0].key: " + first.key_file + ": cannot open it"));
  first.key_file = authority.issue("other", "DNS:other").key_file;
  EXPECT_THAT(problem(), HasSubstr(first.key_file + ": not the key of " + first.certificate_file));
  first = good;
  EXPECT_EQ(problem(), "none");
}

TEST_F(SnapshotTest, EverythingThatIsWrongIsToldAtOnce) {
  config.live.tls.certificates.push_back(config.live.tls.certificates[0]);
  config.live.tls.certificates[0].key_file = authority.file("absent.key");
  config.live.tls.certificates[1].certificate_file = garbage();
  backend_tls(config::Tls::implicit).ca_file = authority.file("absent.pem");
  std::string all = problem();
  EXPECT_THAT(all, HasSubstr("tls.certificate[0].key: "));
  EXPECT_THAT(all, HasSubstr("tls.certificate[1].certificate: "));
  EXPECT_THAT(all, HasSubstr("backend[1].tls.ca_file: "));
  EXPECT_EQ(problems.size(), 3u) << all;
}

TEST_F(SnapshotTest, CertificatesThatNobodyNeedsYetAreReadToo) {
  for (config::Listener& listener : config.live.listeners) listener.tls = config::Tls::off;
  config.live.tls.certificates[0].key_file = authority.file("absent.key");
  EXPECT_THAT(problem(), HasSubstr("absent.key"));
}

TEST_F(SnapshotTest, TlsOptionsThatBoringSslDoesNotKnow) {
  config.live.tls.ciphers = "ECDHE+AESGCM:ECDHE-RSA-AES128-GCM-SHA265:!aNULL";
  EXPECT_EQ(problem(),
            "tls.ciphers: there is no cipher \"ECDHE-RSA-AES128-GCM-SHA265\" (did you mean "
            "\"ECDHE-RSA-AES128-GCM-SHA256\"?)");
  config.live.tls.ciphers = "ECDHE+AESGCM:!NONSENSE";
  EXPECT_THAT(problem(), StartsWith("tls.ciphers: there is no cipher \"NONSENSE\""));
  config.live.tls.ciphers = "[ECDHE-RSA-AES128-GCM-SHA256|NONSENSE]";
  EXPECT_THAT(problem(), StartsWith("tls.ciphers: there is no cipher \"NONSENSE\""));
  config.live.tls.ciphers = "TLS_AES_128_GCM_SHA256";
  EXPECT_THAT(problem(), HasSubstr("the suites of TLS 1.3 are fixed"));
  config.live.tls.ciphers = "ECDHE+AESGCM:!ECDHE";
  EXPECT_THAT(problem(), StartsWith("tls.ciphers: cannot use \"ECDHE+AESGCM:!ECDHE\": nothing is left"));
  config.live.tls.ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
  EXPECT_EQ(problem(), "none");
  config.live.tls.min_version = 0x0399;
  EXPECT_EQ(problem(), "tls.min_version: not supported");
}

TEST_F(SnapshotTest, BackendTrustThatCannotBeLoaded) {
  config::TlsClient& tls = backend_tls(config::Tls::implicit);
  EXPECT_EQ(problem(), "none");
  tls.ca_file = authority.file("absent.pem");
  EXPECT_THAT(problem(), StartsWith("backend[1].tls.ca_file: " + tls.ca_file + ": cannot open it"));
  tls.ca_file = garbage();
  EXPECT_THAT(problem(), StartsWith("backend[1].tls.ca_file: " + tls.ca_file + ": certificate 1 in it is damaged"));
  tls.ca_file = authority.ca_file();
  tls.certificate_file = tls.key_file = authority.file("absent.pem");
  EXPECT_THAT(problem(), StartsWith("backend[1].tls.certificate: " + tls.certificate_file + ": cannot open it"));
  tls.certificate_file.clear();
  tls.ciphers = "NO-SUCH-CIPHER";
  EXPECT_THAT(problem(), StartsWith("backend[1].tls.ciphers: there is no cipher \"NO-SUCH-CIPHER\""));
}

TEST_F(SnapshotTest, OptionsThatBackendsShareAreToldOnce) {
  for (config::Backend& backend : config.live.backends) {
    backend.tls.mode = config::Tls::implicit;
    backend.tls.ca_file = authority.file("absent.pem");
  }
  make();
  EXPECT_EQ(problems.size(), 1u);
}

TEST_F(SnapshotTest, UnknownProtocols) {
  config.live.listeners[0].protocol = "gopher";
  EXPECT_EQ(problem(), "listener[0]: unknown protocol");
}

TEST_F(SnapshotTest, DatabasesAreOpenedApart) {
  auto made = make();
  ASSERT_NE(made, nullptr);
  EXPECT_TRUE(made->open_directories(problems));
  for (const char* name : {"users", "more"}) {
    config::Directory directory;
    directory.name = name;
    directory.type = config::Directory::Type::sqlite;
    directory.path = authority.file(std::string("no/such/folder/") + name + ".db");
    config.live.auth.directories.push_back(directory);
  }
  made = make();
  ASSERT_NE(made, nullptr);
  EXPECT_FALSE(made->open_directories(problems));
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_EQ(problems[0].key, "directory[0]");
  EXPECT_THAT(problems[0].message, HasSubstr("users.db"));
  EXPECT_THAT(problems[1].message, HasSubstr("`postigo user add` or `import` makes it"));
}

// The file keeps what is written, and problems stand where it is.
TEST_F(SnapshotTest, BackendsAtTheTargetsOfRecords) {
  config.live.backends[0].host.clear();
  config.live.backends[0].ports["imap"] = 0;
  config.live.backends[0].srv = {"_imap._tcp.test"};
  lasting.srv.put("_imap._tcp.test", {{0, 0, 143, "x.test"}, {0, 0, 143, "y.test"}});
  auto made = make();
  ASSERT_NE(made, nullptr);
  std::vector<std::string> names;
  for (const Backend& backend : made->backends) names.push_back(backend.state->name);
  EXPECT_THAT(names, testing::ElementsAre("b1/x.test", "b1/y.test", "b2"));
  EXPECT_EQ(made->services, lasting.srv.get());
  backend_tls(config::Tls::implicit).ciphers = "NO-SUCH-CIPHER";
  EXPECT_THAT(problem(), StartsWith("backend[1].tls"));
}

// What was checked as it is written may be wrong once the targets are known.
TEST_F(SnapshotTest, RulesMeetTheTargets) {
  config.live.backends[0].srv = {"_imap._tcp.test"};
  config.live.routing.rules.resize(1);
  config.live.routing.rules[0].user = "u";
  config.live.routing.rules[0].shard = "b1";
  EXPECT_EQ(problem(), "none");
  lasting.srv.put("_imap._tcp.test", {{0, 0, 143, "x.test"}});
  EXPECT_THAT(problem(), HasSubstr("b1"));
}

// One configuration mistake must not poison the error queue for the next snapshot.
TEST_F(SnapshotTest, AFailureLeavesNoTrace) {
  const config::Certificate good = config.live.tls.certificates[0];
  config.live.tls.certificates[0].certificate_file = garbage();
  EXPECT_NE(problem(), "none");
  config.live.tls.certificates[0] = good;
  config.live.tls.ciphers = "NO-SUCH-CIPHER";
  EXPECT_THAT(problem(), testing::Not(HasSubstr("PEM")));
}

}  // namespace
}  // namespace postigo
