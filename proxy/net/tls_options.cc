// Cipher lists are tried word by word when they fail as a whole: BoringSSL does not say which word it did not like.
#include "proxy/net/tls_options.h"

#include <fmt/format.h>
#include <openssl/err.h>

#include <vector>

#include "config/report.h"
#include "config/suggest.h"

namespace postigo {
namespace {

// TLS 1.2: forward secrecy and AEAD only (RFC 9325 4.2). TLS 1.3 suites are BoringSSL's own, all good.
constexpr const char* kCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

bool accepts(SSL_CTX* context, const std::string& list) {
  bool accepted = SSL_CTX_set_strict_cipher_list(context, list.c_str()) == 1;
  ERR_clear_error();
  return accepted;
}

// The words between separators, without operators ("!aNULL", "[A|B]") and without commands ("@STRENGTH").
std::vector<std::string> words_of(const std::string& list) {
  std::vector<std::string> words;
  for (size_t begin = 0; begin < list.size();) {
    size_t end = std::min(list.find_first_of(":;, |[]", begin), list.size());
    std::string word = list.substr(begin, end - begin);
    size_t name = word.find_first_not_of("!+-");
    if (name != std::string::npos && word[name] != '@') words.push_back(word.substr(name));
    begin = end + 1;
  }
  return words;
}

std::vector<std::string> all_ciphers(SSL_CTX* context) {
  std::vector<std::string> names;
  if (!accepts(context, "ALL")) return names;
  const STACK_OF(SSL_CIPHER)* ciphers = SSL_CTX_get_ciphers(context);
  for (size_t i = 0; i < sk_SSL_CIPHER_num(ciphers); ++i) {
    names.push_back(SSL_CIPHER_get_name(sk_SSL_CIPHER_value(ciphers, i)));
  }
  return names;
}

std::string cipher_fault(SSL_CTX* context, const std::string& list) {
  for (const std::string& word : words_of(list)) {
    if (accepts(context, word)) continue;
    if (word.starts_with("TLS_")) {
      return config::in_quotes(word) + " is not for this list: it is for TLS 1.2, and the suites of TLS 1.3 are fixed";
    }
    return "there is no cipher " + config::in_quotes(word) + config::did_you_mean(word, all_ciphers(context));
  }
  return "cannot use " + config::in_quotes(list) + ": nothing is left, or it is not written as OpenSSL writes lists";
}

}  // namespace

bool restrict_protocol(SSL_CTX* context, uint16_t min_version, const std::string& ciphers, const std::string& path,
                       config::Problems& problems) {
  if (!SSL_CTX_set_min_proto_version(context, min_version) || !SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION)) {
    problems.push_back(config::error_at(config::below(path, "min_version"), "not supported"));
    return false;
  }
  if (accepts(context, ciphers.empty() ? kCiphers : ciphers)) return true;
  problems.push_back(config::error_at(config::below(path, "ciphers"), cipher_fault(context, ciphers)));
  return false;
}

void install(SSL_CTX* context, const KeyPair& pair) {
  SSL_CTX_use_certificate(context, pair.chain[0].get());
  for (size_t i = 1; i < pair.chain.size(); ++i) SSL_CTX_add1_chain_cert(context, pair.chain[i].get());
  SSL_CTX_use_PrivateKey(context, pair.key.get());
}

}  // namespace postigo
