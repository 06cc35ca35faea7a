// SSL_CTX objects: one per certificate and listener, the right one picked while the client's hello is read. BoringSSL
// 13 and 14 hold one certificate per context, so RSA beside ECDSA is a matter of choosing the context. Not here: the
// connection (tls.cc), the keys of tickets (ticket_keys.cc), reading files (pem.cc).
#include "proxy/net/tls_server.h"

#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <map>

#include "config/report.h"
#include "parser/base/ascii.h"
#include "proxy/net/pem.h"
#include "proxy/net/ticket_keys.h"
#include "proxy/net/tls_options.h"
#include "proxy/net/tls_peer.h"

namespace postigo {
namespace {

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
  KeyPair pair;
  std::string file;
  std::vector<std::string> names;
  bool ecdsa = false;
};

CertificateStore::CertificateStore() = default;
CertificateStore::~CertificateStore() = default;

std::shared_ptr<const CertificateStore> CertificateStore::load(const config::TlsServer& options,
                                                               config::Problems& problems) {
  std::shared_ptr<CertificateStore> store(new CertificateStore);
  for (size_t i = 0; i < options.certificates.size(); ++i) {
    const config::Certificate& files = options.certificates[i];
    std::string path = config::at_index("tls.certificate", i);
    auto pair = read_pair(files.certificate_file, files.key_file, path, problems);
    if (!pair) continue;
    Entry entry;
    entry.names = files.names.empty() ? names_in(pair->chain[0].get()) : files.names;
    for (std::string& name : entry.names) name = lower(name);
    entry.ecdsa = EVP_PKEY_id(pair->key.get()) == EVP_PKEY_EC;
    entry.file = files.certificate_file;
    entry.pair = std::move(*pair);
    store->entries_.push_back(std::move(entry));
  }
  return store->entries_.size() == options.certificates.size() ? store : nullptr;
}

std::vector<CertificateFacts> CertificateStore::facts() const {
  std::vector<CertificateFacts> result;
  for (const Entry& entry : entries_) {
    std::string name = entry.names.empty() ? entry.file : entry.names.front();
    result.push_back({name, entry.ecdsa, result.size() + 1, not_after_s(entry.pair.chain[0].get())});
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

std::shared_ptr<const TlsServerContext> TlsServerContext::make(
    const config::TlsServer& options, const CertificateStore& certificates, std::shared_ptr<TicketKeys> keys,
    std::string_view alpn, std::string_view domain, config::ClientCertificate clients, config::Problems& problems) {
  std::shared_ptr<TlsServerContext> result(new TlsServerContext);
  Tables& tables = *result->tables_;
  tables.keys = std::move(keys);
  tables.alpn = static_cast<char>(alpn.size()) + std::string(alpn);
  for (const CertificateStore::Entry& entry : certificates.entries_) {
    bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(TLS_method()));
    if (!restrict_protocol(context.get(), options.min_version, options.ciphers, "tls", problems)) return nullptr;
    install(context.get(), entry.pair);
    if (!ask_for_certificates(context.get(), options, clients, problems)) return nullptr;
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
    bool twin = tables.contexts.empty() || entry.names == certificates.entries_.front().names;
    if (fallback == nullptr && twin) fallback = context.get();
    tables.contexts.push_back(std::move(context));
  }
  return result;
}

}  // namespace postigo
