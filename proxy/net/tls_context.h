// What a TLS connection starts from: certificates chosen by name and by what the client can verify, ticket keys,
// versions, ciphers, ALPN; and for backends: whom to trust.
//
// Shared by all workers. make() and load() read files: call them from the main thread.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "parser/base/result.h"

namespace postigo {

class TicketKeys;

struct CertificateFacts {
  std::string name;  // the first of its names
  bool ecdsa = false;
  size_t number = 0;        // in the configuration, from 1
  int64_t not_after_s = 0;  // unix time
};

// Which certificates there are, checked, with their names; every listener makes its contexts from it.
class CertificateStore {
 public:
  // Every problem is one Error text "FILE: what is wrong".
  static Result<std::shared_ptr<const CertificateStore>> load(const config::TlsServer& options);
  ~CertificateStore();
  std::vector<CertificateFacts> facts() const;

 private:
  friend class TlsServerContext;
  struct Entry;
  std::vector<Entry> entries_;
  CertificateStore();
};

class TlsServerContext {
 public:
  // `alpn` is the only protocol that is accepted from clients that name any (A20); `domain` separates sessions: a
  // ticket of one listener is no good at another (A17).
  static Result<std::shared_ptr<const TlsServerContext>> make(const config::TlsServer& options,
                                                              std::shared_ptr<const CertificateStore> certificates,
                                                              std::shared_ptr<TicketKeys> keys, std::string_view alpn,
                                                              std::string_view domain);
  ~TlsServerContext();
  SSL_CTX* get() const;

 private:
  struct Tables;
  std::unique_ptr<Tables> tables_;
  TlsServerContext();
};

// What connections to backends of one kind share: trust, client certificate, versions. Immutable.
class TlsTrust {
 public:
  static Result<std::shared_ptr<const TlsTrust>> make(const config::TlsClient& options, std::string_view alpn);
  SSL_CTX* get() const { return context_.get(); }

 private:
  bssl::UniquePtr<SSL_CTX> context_;
};

// One backend: the name that its certificate must bear, and its newest session for resumption. Any thread.
class TlsClientContext {
 public:
  TlsClientContext(std::shared_ptr<const TlsTrust> trust, std::string name, bool verify)
      : trust_(std::move(trust)), name_(std::move(name)), verify_(verify) {}

  // A connection object that verifies name() and resumes if it can. Must not outlive this context. Null if out of
  // memory.
  bssl::UniquePtr<SSL> make_ssl();
  const std::string& name() const { return name_; }

 private:
  friend class TlsTrust;
  void remember(bssl::UniquePtr<SSL_SESSION> session);

  std::shared_ptr<const TlsTrust> trust_;
  std::string name_;
  bool verify_;
  std::mutex mutex_;
  bssl::UniquePtr<SSL_SESSION> session_;
};

}  // namespace postigo
