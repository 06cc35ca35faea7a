// Towards backends: which authorities, which name, which session to resume. Not here: the connection (tls.cc), reading
// files (pem.cc).
#include "proxy/net/tls_client.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "config/report.h"
#include "proxy/net/pem.h"
#include "proxy/net/tls_options.h"

namespace postigo {
namespace {

bool is_address(const std::string& name) {
  unsigned char octets[16];
  return inet_pton(AF_INET, name.c_str(), octets) == 1 || inet_pton(AF_INET6, name.c_str(), octets) == 1;
}

// The system's bundle, or its hashed directory on machines that have only that.
bool trust_the_system(SSL_CTX* context) {
  bool file = SSL_CTX_load_verify_locations(context, "/etc/ssl/certs/ca-certificates.crt", nullptr) == 1;
  bool folder = SSL_CTX_load_verify_locations(context, nullptr, "/etc/ssl/certs") == 1;
  ERR_clear_error();
  return file || folder;
}

bool load_roots(SSL_CTX* context, const std::string& ca_file, const std::string& path, config::Problems& problems) {
  std::string key = config::below(path, "ca_file");
  if (ca_file.empty()) {
    if (trust_the_system(context)) return true;
    problems.push_back(config::error_at(key, "no system certificates: install ca-certificates or name a ca_file"));
    return false;
  }
  auto roots = read_certificates(ca_file);
  if (!roots) {
    problems.push_back(config::error_at(key, roots.error().message));
    return false;
  }
  check_times(*roots, ca_file, key, problems);
  for (const auto& root : *roots) X509_STORE_add_cert(SSL_CTX_get_cert_store(context), root.get());
  return true;
}

int client_slot() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

}  // namespace

std::shared_ptr<const TlsTrust> TlsTrust::make(const config::TlsClient& options, std::string_view alpn,
                                               const std::string& path, config::Problems& problems) {
  auto result = std::make_shared<TlsTrust>();
  result->context_.reset(SSL_CTX_new(TLS_method()));
  SSL_CTX* context = result->context_.get();
  bool good = restrict_protocol(context, options.min_version, options.ciphers, path, problems);
  SSL_CTX_set_verify(context, options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (options.verify) good = load_roots(context, options.ca_file, path, problems) && good;
  if (!options.certificate_file.empty()) {
    auto own = read_pair(options.certificate_file, options.key_file, path, problems);
    if (own) install(context, *own);
    good = good && own.has_value();
  }
  if (!good) return nullptr;
  std::string wire = static_cast<char>(alpn.size()) + std::string(alpn);
  SSL_CTX_set_alpn_protos(context, reinterpret_cast<const uint8_t*>(wire.data()), static_cast<unsigned>(wire.size()));
  // Where we show a certificate each connection shows it: Dovecot ends a handshake that would resume another one.
  if (!options.certificate_file.empty()) return result;
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, [](SSL* ssl, SSL_SESSION* session) {
    auto* backend = static_cast<TlsClientContext*>(SSL_get_ex_data(ssl, client_slot()));
    backend->remember(bssl::UniquePtr<SSL_SESSION>(session));
    return 1;  // the reference is ours
  });
  return result;
}

bssl::UniquePtr<SSL> TlsClientContext::make_ssl() {
  bssl::UniquePtr<SSL> ssl(SSL_new(trust_->get()));
  if (ssl == nullptr) return nullptr;
  SSL_set_ex_data(ssl.get(), client_slot(), this);
  bool address = is_address(name_);
  if (!address) SSL_set_tlsext_host_name(ssl.get(), name_.c_str());
  if (verify_) {
    X509_VERIFY_PARAM* parameters = SSL_get0_param(ssl.get());
    // Names are in the certificate's subjectAltName or nowhere: no look at the subject's CN (RFC 9525 6.1).
    X509_VERIFY_PARAM_set_hostflags(parameters,
                                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    int set = address ? X509_VERIFY_PARAM_set1_ip_asc(parameters, name_.c_str())
                      : X509_VERIFY_PARAM_set1_host(parameters, name_.data(), name_.size());
    if (set != 1) return nullptr;  // never go on without the check
  }
  std::lock_guard lock(mutex_);
  if (session_ != nullptr) SSL_set_session(ssl.get(), session_.get());
  return ssl;
}

void TlsClientContext::remember(bssl::UniquePtr<SSL_SESSION> session) {
  std::lock_guard lock(mutex_);
  session_ = std::move(session);
}

}  // namespace postigo
