// Files that are no certificate or no key, and what is said about them. Real files of OpenSSL are in e2e/test_cli.py.
#include "proxy/net/pem.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <fstream>
#include <sstream>

#include "tests/unit/proxy/certificates.h"

namespace postigo {
namespace {

using testing::HasSubstr;

class PemTest : public testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(authority.file(name), std::ios::binary) << text;
    return authority.file(name);
  }
  static std::string text_of(const std::string& file) {
    std::ostringstream all;
    all << std::ifstream(file, std::ios::binary).rdbuf();
    return all.str();
  }
  // Everything that is said about the pair, one line per problem.
  std::string said(const std::string& certificate, const std::string& key) {
    config::Problems problems;
    pair = read_pair(certificate, key, "x", problems);
    EXPECT_EQ(pair.has_value(), !any_fatal(problems));
    std::string text;
    for (const config::Problem& problem : problems) text += problem.key + ": " + problem.message + '\n';
    return text;
  }

  Authority authority;
  config::Certificate good = authority.issue("mail", "DNS:mail.example.org");
  std::optional<KeyPair> pair;
};

TEST_F(PemTest, ACertificateItsChainAndItsKey) {
  std::string chain =
      write("chain.pem", text_of(good.certificate_file) + "\nsome words\n" + text_of(authority.ca_file()));
  EXPECT_EQ(said(chain, good.key_file), "");
  ASSERT_TRUE(pair.has_value());
  EXPECT_EQ(pair->chain.size(), 2u);
  std::string both = write("both.pem", text_of(good.key_file) + text_of(good.certificate_file));
  EXPECT_EQ(said(both, both), "");
}

TEST_F(PemTest, WhatTheFilesHoldInstead) {
  EXPECT_THAT(said(good.key_file, good.certificate_file),
              HasSubstr("x.certificate: " + good.key_file +
                        ": no certificate in it, but PRIVATE KEY (are certificate and key swapped?)"));
  EXPECT_THAT(said(good.key_file, good.certificate_file),
              HasSubstr("x.key: " + good.certificate_file + ": no private key in it, but CERTIFICATE"));
  EXPECT_THAT(said(good.certificate_file, good.certificate_file), HasSubstr("name its file with key = "));
  EXPECT_THAT(said(write("words", "no certificate\n"), good.key_file), HasSubstr("there is no -----BEGIN in it"));
  EXPECT_THAT(said(write("empty", ""), good.key_file), HasSubstr("there is no -----BEGIN in it"));
  EXPECT_THAT(said(authority.file("absent"), good.key_file), HasSubstr("x.certificate: "));
  EXPECT_THAT(said(authority.file("."), good.key_file), HasSubstr("cannot read it: Is a directory"));
}

TEST_F(PemTest, DamagedFiles) {
  std::string certificate = text_of(good.certificate_file);
  EXPECT_THAT(said(write("cut", certificate.substr(0, certificate.size() / 2)), good.key_file), HasSubstr("damaged"));
  std::string second = certificate + certificate.substr(0, certificate.size() / 2);
  EXPECT_THAT(said(write("second", second), good.key_file), HasSubstr("damaged after certificate 1"));
  std::string header = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  EXPECT_THAT(said(write("content", header), good.key_file), HasSubstr("certificate 1 in it is damaged"));
  std::string key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
  EXPECT_THAT(said(good.certificate_file, write("key", key)), HasSubstr("the key in it is damaged"));
}

TEST_F(PemTest, KeysThatDoNotBelong) {
  config::Certificate other = authority.issue("other", "DNS:other.example.org");
  config::Certificate rsa = authority.issue("rsa", "DNS:rsa.example.org", Authority::Kind::rsa);
  for (const config::Certificate& wrong : {other, rsa}) {
    EXPECT_THAT(said(good.certificate_file, wrong.key_file),
                HasSubstr("x.key: " + wrong.key_file + ": not the key of " + good.certificate_file + " (mail)"));
  }
  std::string turned = write("turned", text_of(authority.ca_file()) + text_of(good.certificate_file));
  EXPECT_THAT(said(turned, good.key_file), HasSubstr("own certificate must come first; it is number 2"));
}

TEST_F(PemTest, CertificatesOutOfTheirTime) {
  auto issued = [&](long from_s, long until_s) {
    config::Certificate made = authority.issue("late", "DNS:late.example.org", Authority::Kind::ecdsa, from_s, until_s);
    std::string text = said(made.certificate_file, made.key_file);
    EXPECT_TRUE(pair.has_value()) << "it is a warning";
    return text;
  };
  EXPECT_THAT(issued(-7200, -3600), HasSubstr("the certificate (late) has expired on 20"));
  EXPECT_THAT(issued(3600, 7200), HasSubstr("the certificate (late) is not valid before 20"));
  EXPECT_EQ(issued(-3600, 60), "");
}

TEST_F(PemTest, NothingOfAKeyIsTold) {
  std::string key = text_of(good.key_file);
  std::string body = key.substr(key.find('\n') + 1, 40);
  for (const std::string& text : {key.substr(0, key.size() / 2), "x" + key, key.substr(28)}) {
    EXPECT_THAT(said(good.certificate_file, write("key", text)), testing::Not(HasSubstr(body)));
  }
}

}  // namespace
}  // namespace postigo
