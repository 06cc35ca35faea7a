// handshake and seal: BoringSSL in this process, both ends, no socket. Only the server's calls are counted: what a
// proxy cannot avoid towards its clients. Certificates are made here and mean nothing.
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <time.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "bench/bare/limits.h"
#include "bench/common/loop.h"
#include "bench/common/program.h"
#include "bench/common/stream.h"
#include "bench/common/tls.h"

namespace postigo::bench {
namespace {

constexpr size_t kWire = 64 * 1024;

bssl::UniquePtr<EVP_PKEY> make_key(const std::string& kind) {
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  if (kind == "ecdsa") {
    bssl::UniquePtr<EC_KEY> ec(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1));
    if (EC_KEY_generate_key(ec.get()) && EVP_PKEY_set1_EC_KEY(key.get(), ec.get())) return key;
  } else {
    bssl::UniquePtr<RSA> rsa(RSA_new());
    bssl::UniquePtr<BIGNUM> exponent(BN_new());
    BN_set_word(exponent.get(), RSA_F4);
    if (RSA_generate_key_ex(rsa.get(), 2048, exponent.get(), nullptr) && EVP_PKEY_set1_RSA(key.get(), rsa.get())) {
      return key;
    }
  }
  throw std::runtime_error("no key");
}

Context make_server(const std::string& kind) {
  bssl::UniquePtr<EVP_PKEY> key = make_key(kind);
  bssl::UniquePtr<X509> leaf(X509_new());
  X509_set_version(leaf.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(leaf.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(leaf.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(leaf.get()), 86400);
  X509_NAME* name = X509_get_subject_name(leaf.get());
  auto* text = reinterpret_cast<const uint8_t*>("bench");
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0);
  X509_set_issuer_name(leaf.get(), name);
  X509_set_pubkey(leaf.get(), key.get());
  if (X509_sign(leaf.get(), key.get(), EVP_sha256()) == 0) throw std::runtime_error("no certificate");
  return server_context(leaf.get(), key.get());
}

// Both ends and the wire between them.
class Ends {
 public:
  explicit Ends(const std::string& kind) : server_context_(make_server(kind)), client_context_(client_context("")) {}

  // Returns the server's CPU time, from SSL_new to the tickets.
  int64_t shake_hands(bool resume) {
    open(resume);
    int64_t used = 0;
    for (bool done = false; !done;) {
      bool client_done = step(client_.get());
      int64_t since = thread_cpu_ns();
      done = step(server_.get()) && client_done;
      if (done) SSL_write(server_.get(), "* OK\r\n", 6);  // carries the tickets
      used += thread_cpu_ns() - since;
    }
    char greeting[64];
    if (SSL_read(client_.get(), greeting, sizeof greeting) <= 0) throw std::runtime_error("no greeting");
    if (resume != (SSL_session_reused(server_.get()) != 0))
      throw std::runtime_error("not the handshake that was meant");
    return used + opening_ns_;
  }

  SSL* server() { return server_.get(); }
  // The server's end of this connection is part of its costs.
  int64_t close() {
    int64_t since = thread_cpu_ns();
    server_.reset();
    return thread_cpu_ns() - since;
  }

 private:
  void open(bool resume) {
    BIO *client_bio = nullptr, *server_bio = nullptr;
    BIO_new_bio_pair(&client_bio, kWire, &server_bio, kWire);
    client_ = new_ssl(loop_, client_context_.get(), &keeper_);
    SSL_set_bio(client_.get(), client_bio, client_bio);
    SSL_set_connect_state(client_.get());
    if (resume) SSL_set_session(client_.get(), keeper_.ticket());
    int64_t since = thread_cpu_ns();
    server_.reset(SSL_new(server_context_.get()));
    SSL_set_bio(server_.get(), server_bio, server_bio);
    SSL_set_accept_state(server_.get());
    opening_ns_ = thread_cpu_ns() - since;
  }

  static bool step(SSL* ssl) {
    int done = SSL_do_handshake(ssl);
    if (done == 1) return true;
    if (SSL_get_error(ssl, done) != SSL_ERROR_WANT_READ) throw std::runtime_error("the handshake failed");
    return false;
  }

  struct Nobody final : Stream::Owner {
    void on_open() override {}
    void on_data(std::string_view) override {}
    void on_over(Stream::Over) override {}
  };

  Loop loop_;
  Nobody nobody_;
  Stream keeper_{loop_, nobody_};
  Context server_context_, client_context_;
  bssl::UniquePtr<SSL> client_, server_;
  int64_t opening_ns_ = 0;
};

int swallow(BIO*, const char*, int size) { return size; }
long flush_only(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

bssl::UniquePtr<BIO> sink_bio() {
  static BIO_METHOD* method = [] {
    BIO_METHOD* made = BIO_meth_new(0, "sink");
    BIO_meth_set_write(made, swallow);
    BIO_meth_set_ctrl(made, flush_only);
    return made;
  }();
  bssl::UniquePtr<BIO> bio(BIO_new(method));
  BIO_set_init(bio.get(), 1);
  return bio;
}

}  // namespace

int64_t thread_cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

int handshake(const std::string& kind, bool resumed, uint64_t count) {
  Ends ends(kind);
  for (int warm = 0; warm < 3; ++warm) ends.shake_hands(resumed && warm > 0);
  int64_t used = 0;
  for (uint64_t i = 0; i < count; ++i) {
    used += ends.shake_hands(resumed);
    used += ends.close();
  }
  double each_us = static_cast<double>(used) / 1e3 / static_cast<double>(count);
  print({{"kind", kind}, {"resumed", resumed ? 1 : 0}, {"count", count}, {"cpu_us_per_handshake", each_us}});
  return kClean;
}

int seal(uint64_t bytes, uint64_t record) {
  Ends ends("ecdsa");
  ends.shake_hands(false);
  SSL* ssl = ends.server();
  SSL_set0_wbio(ssl, sink_bio().release());
  std::vector<char> plain(record, 'x');
  int64_t since = thread_cpu_ns();
  for (uint64_t sent = 0; sent < bytes; sent += record) {
    if (SSL_write(ssl, plain.data(), static_cast<int>(record)) <= 0) throw std::runtime_error("cannot seal");
  }
  double seconds = static_cast<double>(thread_cpu_ns() - since) / 1e9;
  print({{"bytes", bytes},
         {"record", record},
         {"cpu_seconds", seconds},
         {"cpu_s_per_gb", seconds / (static_cast<double>(bytes) / 1e9)},
         {"cipher", SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl))}});
  return kClean;
}

}  // namespace postigo::bench
