// SSL_CTX objects: one per certificate and listener, the right one picked while the client's hello is read. BoringSSL
// 13 and 14 hold one certificate per context, so RSA beside ECDSA is a matter of choosing the context. Not here: the
// connection (tls.cc), the keys of tickets (ticket_keys.cc).
#include "proxy/net/tls_context.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <map>

#include "parser/base/ascii.h"
#include "proxy/net/ticket_keys.h"

namespace postigo {
namespace {

// TLS 1.2: forward secrecy and AEAD only (RFC 9325 4.2). TLS 1.3 suites are BoringSSL's own, all good.
constexpr const char* kCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

std::string why(const std::string& what) {
  uint32_t code = ERR_peek_error();
  std::string reason = code != 0 ? ERR_reason_error_string(code) : "unknown reason";
  ERR_clear_error();
  return what + ": " + reason;
}

Result<void> restrict_protocol(SSL_CTX* context, uint16_t min_version, const std::string& ciphers) {
  if (!SSL_CTX_set_min_proto_version(context, min_version) || !SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION)) {
    return fail("tls.min_version: not supported");
  }
  if (!SSL_CTX_set_strict_cipher_list(context, ciphers.empty() ? kCiphers : ciphers.c_str())) {
    return fail(why("tls.ciphers: cannot use \"" + ciphers + "\""));
  }
  return {};
}

Result<void> use_certificate(SSL_CTX* context, const std::string& certificate, const std::string& key) {
  if (!SSL_CTX_use_certificate_chain_file(context, certificate.c_str())) {
    return fail(why(certificate + ": cannot use the certificate"));
  }
  if (!SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM)) {
    return fail(why(key + ": cannot use the key"));
  }
  if (!SSL_CTX_check_private_key(context)) return fail(why(key + ": not the key of " + certificate));
  return {};
}

std::vector<std::string> names_in(X509* certificate) {
  std::vector<std::string> names;
  bssl::UniquePtr<GENERAL_NAMES> all(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (size_t i = 0; all != nullptr && i < sk_GENERAL_NAME_num(all.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(all.get(), i);
    if (name->type != GEN_DNS) continue;
    names.push_back(lower({reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                           static_cast<size_t>(ASN1_STRING_length(name->d.dNSName))}));
  }
  return names;
}

int64_t not_after(X509* certificate) {
  tm when{};
  bssl::UniquePtr<ASN1_GENERALIZEDTIME> text(ASN1_TIME_to_generalizedtime(X509_get0_notAfter(certificate), nullptr));
  if (text == nullptr) return 0;
  std::string digits(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text.get())),
                     static_cast<size_t>(ASN1_STRING_length(text.get())));
  return strptime(digits.c_str(), "%Y%m%d%H%M%SZ", &when) != nullptr ? static_cast<int64_t>(timegm(&when)) : 0;
}

bool list_has(const uint8_t* bytes, size_t size, std::initializer_list<uint16_t> wanted) {
  for (size_t i = 0; i + 1 < size; i += 2) {
    auto value = static_cast<uint16_t>(bytes[i] << 8 | bytes[i + 1]);
    if (std::find(wanted.begin(), wanted.end(), value) != wanted.end()) return true;
  }
  return false;
}

// Can this client verify an ECDSA certificate? The signature algorithms say so for TLS 1.3, and together with the
// cipher suites for TLS 1.2.
bool speaks_ecdsa(const SSL_CLIENT_HELLO* hello) {
  const uint8_t* data = nullptr;
  size_t size = 0;
  if (!SSL_early_callback_ctx_extension_get(hello, TLSEXT_TYPE_signature_algorithms, &data, &size) || size < 2) {
    return false;
  }
  if (!list_has(data + 2, size - 2, {0x0403, 0x0503, 0x0603})) return false;
  return list_has(hello->cipher_suites, hello->cipher_suites_len,
                  {0x1301, 0x1302, 0x1303, 0xc02b, 0xc02c, 0xcca9, 0xc009, 0xc00a, 0xc023, 0xc024});
}

// A ticket is good for the listener and the names that it was given for, and nowhere else (A17).
std::array<uint8_t, SHA256_DIGEST_LENGTH> session_domain(std::string_view listener,
                                                         const std::vector<std::string>& names) {
  std::string text(listener);
  for (const std::string& name : names) text += '\n' + name;
  std::array<uint8_t, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const uint8_t*>(text.data()), text.size(), digest.data());
  return digest;
}

std::string server_name(const SSL_CLIENT_HELLO* hello) {
  const uint8_t* data = nullptr;
  size_t size = 0;
  // RFC 6066 3: list length (2), type (1) = 0, name length (2), name. BoringSSL checks it properly a moment later.
  if (!SSL_early_callback_ctx_extension_get(hello, TLSEXT_TYPE_server_name, &data, &size) || size < 6) return {};
  size_t length = static_cast<size_t>(data[3]) << 8 | data[4];
  if (data[2] != 0 || length > size - 5) return {};
  return lower({reinterpret_cast<const char*>(data + 5), length});
}

}  // namespace

struct CertificateStore::Entry {
  config::Certificate files;
  std::vector<std::string> names;
  bool ecdsa = false;
  int64_t not_after_s = 0;
};

CertificateStore::CertificateStore() = default;
CertificateStore::~CertificateStore() = default;

Result<std::shared_ptr<const CertificateStore>> CertificateStore::load(const config::TlsServer& options) {
  std::shared_ptr<CertificateStore> store(new CertificateStore);
  for (const config::Certificate& files : options.certificates) {
    bssl::UniquePtr<SSL_CTX> probe(SSL_CTX_new(TLS_method()));
    if (auto used = use_certificate(probe.get(), files.certificate_file, files.key_file); !used) {
      return tl::unexpected(used.error());
    }
    X509* leaf = SSL_CTX_get0_certificate(probe.get());
    Entry entry;
    entry.files = files;
    entry.names = files.names.empty() ? names_in(leaf) : files.names;
    for (std::string& name : entry.names) name = lower(name);
    entry.ecdsa = EVP_PKEY_id(SSL_CTX_get0_privatekey(probe.get())) == EVP_PKEY_EC;
    entry.not_after_s = not_after(leaf);
    store->entries_.push_back(std::move(entry));
  }
  return store;
}

std::vector<CertificateFacts> CertificateStore::facts() const {
  std::vector<CertificateFacts> result;
  for (const Entry& entry : entries_) {
    std::string name = entry.names.empty() ? entry.files.certificate_file : entry.names.front();
    result.push_back({name, entry.ecdsa, result.size() + 1, entry.not_after_s});
  }
  return result;
}

// Two contexts per name at the most.
struct TlsServerContext::Tables {
  struct Pair {
    SSL_CTX* ecdsa = nullptr;
    SSL_CTX* rsa = nullptr;
    SSL_CTX* best(bool client_speaks_ecdsa) const {
      if (ecdsa == nullptr) return rsa;
      return client_speaks_ecdsa || rsa == nullptr ? ecdsa : rsa;
    }
  };
  std::vector<bssl::UniquePtr<SSL_CTX>> contexts;
  std::map<std::string, Pair, std::less<>> exact;
  std::map<std::string, Pair, std::less<>> wildcard;  // by what follows "*"
  Pair fallback;
  std::shared_ptr<TicketKeys> keys;
  std::string alpn;  // as on the wire: length, name

  const Pair& find(const std::string& name) const {
    if (auto found = exact.find(name); found != exact.end()) return found->second;
    size_t dot = name.find('.');
    if (dot != std::string::npos) {
      if (auto found = wildcard.find(name.substr(dot)); found != wildcard.end()) return found->second;
    }
    return fallback;
  }
  void add(const std::string& name, bool ecdsa, SSL_CTX* context) {
    bool star = name.starts_with("*.");
    Pair& pair = star ? wildcard[name.substr(1)] : exact[name];
    SSL_CTX*& slot = ecdsa ? pair.ecdsa : pair.rsa;
    if (slot == nullptr) slot = context;
  }
};

TlsServerContext::TlsServerContext() : tables_(std::make_unique<Tables>()) {}
TlsServerContext::~TlsServerContext() = default;
SSL_CTX* TlsServerContext::get() const { return tables_->contexts.front().get(); }

namespace {

int tables_slot() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

template <typename Tables>
Tables* tables_of(SSL* ssl) {
  return static_cast<Tables*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), tables_slot()));
}

template <typename Tables>
ssl_select_cert_result_t choose_certificate(const SSL_CLIENT_HELLO* hello) {
  Tables* tables = tables_of<Tables>(hello->ssl);
  SSL_CTX* best = tables->find(server_name(hello)).best(speaks_ecdsa(hello));
  SSL_set_SSL_CTX(hello->ssl, best);
  return ssl_select_cert_success;
}

// RFC 7301 3.2: no overlap is fatal. A browser that was lured here is turned away before it says a word (A20).
template <typename Tables>
int choose_alpn(SSL* ssl, const uint8_t** out, uint8_t* out_size, const uint8_t* in, unsigned in_size, void*) {
  const std::string& ours = tables_of<Tables>(ssl)->alpn;
  uint8_t* chosen = nullptr;
  int result = SSL_select_next_proto(&chosen, out_size, reinterpret_cast<const uint8_t*>(ours.data()),
                                     static_cast<unsigned>(ours.size()), in, in_size);
  if (result != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

Result<std::shared_ptr<const TlsServerContext>> TlsServerContext::make(
    const config::TlsServer& options, std::shared_ptr<const CertificateStore> certificates,
    std::shared_ptr<TicketKeys> keys, std::string_view alpn, std::string_view domain) {
  if (certificates->entries_.empty()) return fail("tls.certificate: none is configured");
  std::shared_ptr<TlsServerContext> result(new TlsServerContext);
  Tables& tables = *result->tables_;
  tables.keys = std::move(keys);
  tables.alpn = static_cast<char>(alpn.size()) + std::string(alpn);
  for (const CertificateStore::Entry& entry : certificates->entries_) {
    bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(TLS_method()));
    if (auto done = restrict_protocol(context.get(), options.min_version, options.ciphers); !done) {
      return tl::unexpected(done.error());
    }
    if (auto done = use_certificate(context.get(), entry.files.certificate_file, entry.files.key_file); !done) {
      return tl::unexpected(done.error());
    }
    std::array<uint8_t, SHA256_DIGEST_LENGTH> id = session_domain(domain, entry.names);
    SSL_CTX_set_session_id_context(context.get(), id.data(), id.size());
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context.get(), options.session_tickets ? 0 : SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context.get(), 1);  // the default is two; each resumed handshake gives another one
    if (options.session_tickets) TicketKeys::install(context.get(), tables.keys.get());
    SSL_CTX_set_ex_data(context.get(), tables_slot(), result->tables_.get());
    SSL_CTX_set_select_certificate_cb(context.get(), choose_certificate<Tables>);
    SSL_CTX_set_alpn_select_cb(context.get(), choose_alpn<Tables>, nullptr);
    for (const std::string& name : entry.names) tables.add(name, entry.ecdsa, context.get());
    SSL_CTX*& fallback = entry.ecdsa ? tables.fallback.ecdsa : tables.fallback.rsa;
    // The first certificate answers unknown names, with its twin of the other kind if that has the same names.
    bool twin = tables.contexts.empty() || entry.names == certificates->entries_.front().names;
    if (fallback == nullptr && twin) fallback = context.get();
    tables.contexts.push_back(std::move(context));
  }
  return result;
}

namespace {

bool is_address(const std::string& name) {
  unsigned char octets[16];
  return inet_pton(AF_INET, name.c_str(), octets) == 1 || inet_pton(AF_INET6, name.c_str(), octets) == 1;
}

Result<void> load_roots(SSL_CTX* context, const std::string& ca_file) {
  if (!ca_file.empty()) {
    if (!SSL_CTX_load_verify_locations(context, ca_file.c_str(), nullptr)) {
      return fail(why(ca_file + ": cannot read certificates"));
    }
    return {};
  }
  // The system's bundle, or its hashed directory on machines that have only that.
  bool file = SSL_CTX_load_verify_locations(context, "/etc/ssl/certs/ca-certificates.crt", nullptr) == 1;
  bool folder = SSL_CTX_load_verify_locations(context, nullptr, "/etc/ssl/certs") == 1;
  ERR_clear_error();
  if (!file && !folder) return fail("no system certificates: install ca-certificates or name a ca_file");
  return {};
}

int client_slot() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

}  // namespace

Result<std::shared_ptr<const TlsTrust>> TlsTrust::make(const config::TlsClient& options, std::string_view alpn) {
  auto result = std::make_shared<TlsTrust>();
  result->context_.reset(SSL_CTX_new(TLS_method()));
  SSL_CTX* context = result->context_.get();
  if (auto done = restrict_protocol(context, options.min_version, options.ciphers); !done) {
    return tl::unexpected(done.error());
  }
  SSL_CTX_set_verify(context, options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (options.verify) {
    if (auto done = load_roots(context, options.ca_file); !done) return tl::unexpected(done.error());
  }
  if (!options.certificate_file.empty()) {
    if (auto done = use_certificate(context, options.certificate_file, options.key_file); !done) {
      return tl::unexpected(done.error());
    }
  }
  std::string wire = static_cast<char>(alpn.size()) + std::string(alpn);
  SSL_CTX_set_alpn_protos(context, reinterpret_cast<const uint8_t*>(wire.data()), static_cast<unsigned>(wire.size()));
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
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
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
