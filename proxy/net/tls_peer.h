// Certificates of clients: who may vouch for them, and whom one names.
#pragma once

#include <openssl/ssl.h>

#include <string>

#include "config/load.h"

namespace postigo {

// Makes `context` ask for one, and refuse those that are not good; "require": those who have none, too. Its sessions
// are not resumed then, so that each certificate is looked at. What is wrong with the files is told under
// "tls.client_ca" and "tls.client_crl"; false: it is an error. Blocking.
bool ask_for_certificates(SSL_CTX* context, const config::TlsServer& options, config::ClientCertificate how,
                          config::Problems& problems);

// Whom the verified certificate of this connection's client names in that part. Empty: there is none, or the part is
// not in it, or more than once, so that nobody is named (A8).
std::string name_in_certificate(const SSL* ssl, config::CertificateName part);

}  // namespace postigo
