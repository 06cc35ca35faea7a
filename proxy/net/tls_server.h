// What a TLS connection of a client starts from: certificates chosen by name and by what the client can verify, ticket
// keys, versions, ciphers, ALPN.
//
// Shared by all workers. make() and load() block and are for the main thread.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"

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
  // Null if one of them cannot be used. Every problem is told, under "tls.certificate[i]"; warnings too.
  static std::shared_ptr<const CertificateStore> load(const config::TlsServer& options, config::Problems& problems);
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
  // `clients`: whether they are asked for certificates (tls_peer.h).
  // `alpn` is the only protocol that is accepted from clients that name any (A20); `domain` separates sessions: a
  // ticket of one listener is no good at another (A17). Null and a problem under "tls" if it cannot be made.
  // REQUIRES: there is a certificate.
  static std::shared_ptr<const TlsServerContext> make(const config::TlsServer& options,
                                                      const CertificateStore& certificates,
                                                      std::shared_ptr<TicketKeys> keys, std::string_view alpn,
                                                      std::string_view domain, config::ClientCertificate clients,
                                                      config::Problems& problems);
  ~TlsServerContext();
  SSL_CTX* get() const;

 private:
  struct Tables;
  std::unique_ptr<Tables> tables_;
  TlsServerContext();
};

}  // namespace postigo
