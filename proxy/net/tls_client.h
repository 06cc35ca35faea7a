// What a TLS connection to a backend starts from: whom to trust, our own certificate, the session to resume.
//
// Shared by all workers. make() blocks and is for the main thread.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "config/load.h"

namespace postigo {

// What connections to backends of one kind share: trust, client certificate, versions. Immutable.
class TlsTrust {
 public:
  // Null and problems below `path` ("backend[0].tls") if it cannot be made; warnings too.
  static std::shared_ptr<const TlsTrust> make(const config::TlsClient& options, std::string_view alpn,
                                              const std::string& path, config::Problems& problems);
  SSL_CTX* get() const { return context_.get(); }

 private:
  bssl::UniquePtr<SSL_CTX> context_;
};

// One backend: the name that its certificate must bear, and its newest session for resumption. Any thread.
class TlsClientContext {
 public:
  TlsClientContext(std::shared_ptr<const TlsTrust> trust, std::string name, bool verify)
      : trust_(std::move(trust)), name_(std::move(name)), verify_(verify) {}

  // A connection object that verifies name() and resumes if it can. This context must outlive it. Null if out of
  // memory.
  bssl::UniquePtr<SSL> make_ssl();
  const std::string& name() const { return name_; }
  const std::shared_ptr<const TlsTrust>& trust() const { return trust_; }

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
