// BoringSSL behind a BIO of our own. Why: with a socket BIO every record costs two reads, with BIO pairs every idle
// connection holds 17 KB; one BIO that points at "the current connection" costs neither. Not here: which certificate,
// which versions (tls_server.cc, tls_client.cc).
#include "proxy/net/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>

#include <algorithm>
#include <cassert>
#include <cstring>

#include "parser/base/copies.h"
#include "proxy/net/tls_client.h"
#include "proxy/net/tls_error.h"

namespace postigo {
namespace {

TlsIo& io_of(BIO* bio) { return *static_cast<TlsIo*>(BIO_get_data(bio)); }

int bio_read(BIO* bio, char* to, int size) {
  BIO_clear_retry_flags(bio);
  TlsIo& io = io_of(bio);
  if (io.in.empty()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  size_t taken = std::min(io.in.size(), static_cast<size_t>(size));
  count_copy(Copy::bio_read, taken);
  std::memcpy(to, io.in.data(), taken);
  io.in.remove_prefix(taken);
  return static_cast<int>(taken);
}

int bio_write(BIO* bio, const char* from, int size) {
  BIO_clear_retry_flags(bio);
  TlsIo& io = io_of(bio);
  size_t added = static_cast<size_t>(size);
  count_copy(Copy::bio_write, added);
  if (io.out.size() + added > io.out.capacity()) count_copy(Copy::bio_grown, io.out.size());
  io.out.insert(io.out.end(), from, from + size);
  return size;
}

long bio_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

const BIO_METHOD* method() {
  static BIO_METHOD* const made = [] {
    BIO_METHOD* m = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "postigo loop");
    BIO_meth_set_read(m, bio_read);
    BIO_meth_set_write(m, bio_write);
    BIO_meth_set_ctrl(m, bio_control);
    return m;
  }();
  return made;
}

bssl::UniquePtr<SSL> attach(Loop& loop, bssl::UniquePtr<SSL> ssl) {
  BIO_up_ref(loop.bio());
  BIO_up_ref(loop.bio());
  SSL_set0_rbio(ssl.get(), loop.bio());
  SSL_set0_wbio(ssl.get(), loop.bio());
  SSL_set_shed_handshake_config(ssl.get(), 1);
  return ssl;
}

}  // namespace

BIO* make_loop_bio(TlsIo& io) {
  BIO* bio = BIO_new(method());
  BIO_set_data(bio, &io);
  BIO_set_init(bio, 1);
  return bio;
}

std::unique_ptr<Tls> Tls::server(Loop& loop, SSL_CTX* context) {
  std::unique_ptr<Tls> tls(new Tls(loop, attach(loop, bssl::UniquePtr<SSL>(SSL_new(context)))));
  SSL_set_accept_state(tls->ssl());
  return tls;
}

std::unique_ptr<Tls> Tls::client(Loop& loop, std::shared_ptr<TlsClientContext> context) {
  bssl::UniquePtr<SSL> ssl = context->make_ssl();
  if (ssl == nullptr) return nullptr;
  std::unique_ptr<Tls> tls(new Tls(loop, attach(loop, std::move(ssl))));
  SSL_set_connect_state(tls->ssl());
  tls->client_context_ = std::move(context);
  return tls;
}

Tls::~Tls() = default;

void Tls::start() {
  loop_.tls_io().in = {};
  handshake({});
}

bool Tls::handshake(Bytes received) {
  int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    state_ = State::open;
    return true;
  }
  int problem = SSL_get_error(ssl_.get(), result);
  if (problem != SSL_ERROR_WANT_READ && problem != SSL_ERROR_WANT_WRITE) note_failure(problem, received);
  return false;
}

Bytes Tls::receive(Bytes cipher) {
  assert(cipher.size() <= Loop::kReceiveSize);
  TlsIo& io = loop_.tls_io();
  io.in = cipher;
  size_t filled = 0;
  if (state_ == State::handshaking) {
    handshake_octets_ += static_cast<uint32_t>(cipher.size());
    if (!handshake(cipher)) {
      io.in = {};
      return {};
    }
  }
  while (state_ == State::open) {
    // The plain buffer is larger than any input decrypts to (what was held of a partial record included), so that a
    // full buffer cannot happen and nothing stays behind in BoringSSL.
    size_t room = Loop::kPlainSize - filled;
    int got = SSL_read(ssl_.get(), loop_.plain_buffer() + filled, static_cast<int>(room));
    if (got > 0) {
      count_copy(Copy::boringssl_read, static_cast<size_t>(got));
      filled += static_cast<size_t>(got);
      if (io.in.empty() && SSL_has_pending(ssl_.get()) == 0) break;  // nothing left: spare it the attempt
      continue;
    }
    int problem = SSL_get_error(ssl_.get(), got);
    if (problem == SSL_ERROR_WANT_READ) break;
    if (problem == SSL_ERROR_ZERO_RETURN) {
      state_ = State::ended;
    } else {
      note_failure(problem, cipher);
    }
  }
  io.in = {};
  return {loop_.plain_buffer(), filled};
}

void Tls::send(Bytes plain) {
  assert(state_ == State::open || state_ == State::ended);
  while (!plain.empty()) {
    int size = static_cast<int>(std::min<size_t>(plain.size(), 1 << 20));
    int sent = SSL_write(ssl_.get(), plain.data(), size);
    if (sent <= 0) {  // the BIO takes everything: only a broken connection object can refuse
      note_failure(SSL_get_error(ssl_.get(), sent), {});
      return;
    }
    plain.remove_prefix(static_cast<size_t>(sent));
  }
}

size_t Tls::held() const {
  constexpr size_t kMessageMax = 16 * 1024;    // of a handshake: BoringSSL allows no longer ones
  constexpr size_t kRecord = 5 + 16384 + 256;  // it reserves what the record's header announces
  size_t handshake = state_ == State::handshaking ? std::min<size_t>(handshake_octets_, kMessageMax) : 0;
  return handshake + (SSL_has_pending(ssl_.get()) != 0 ? kRecord : 0);
}

void Tls::send_close_notify() {
  if (state_ == State::open || state_ == State::ended) SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

void Tls::note_failure(int ssl_error, Bytes received) {
  state_ = State::failed;
  error_ = tls_failure(ssl_.get(), ssl_error, received);
}

const char* Tls::cipher() const {
  const SSL_CIPHER* current = SSL_get_current_cipher(ssl_.get());
  return current != nullptr ? SSL_CIPHER_standard_name(current) : "";
}

std::string Tls::alpn() const {
  const uint8_t* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::string Tls::server_name() const {
  const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
  return name != nullptr ? name : "";
}

}  // namespace postigo
