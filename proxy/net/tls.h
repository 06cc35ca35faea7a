// Tls: one TLS connection without a socket: ciphertext in, plaintext out, and back.
//
// All connections of a loop share one BIO, which reads from and writes to the loop's TlsIo; a Tls holds no buffer while
// idle (BoringSSL frees its own). Confined to the loop's thread. Errors are one clear line, without any key material.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "parser/base/bytes.h"
#include "proxy/net/loop.h"

namespace postigo {

class TlsClientContext;

BIO* make_loop_bio(TlsIo& io);  // owned by the Loop

class Tls {
 public:
  enum class State { handshaking, open, ended, failed };

  // `context` is up-referenced by the connection.
  static std::unique_ptr<Tls> server(Loop& loop, SSL_CTX* context);
  // Null if the context cannot make one (a name that cannot be checked for, no memory).
  static std::unique_ptr<Tls> client(Loop& loop, std::shared_ptr<TlsClientContext> context);
  ~Tls();
  Tls(const Tls&) = delete;
  Tls& operator=(const Tls&) = delete;

  // Takes all of `cipher`. Returns what it decrypts to: a view of the loop's plain buffer. Look at state() and send
  // what is in the loop's TlsIo::out afterwards. REQUIRES: cipher.size() <= Loop::kReceiveSize.
  Bytes receive(Bytes cipher);
  // Encrypts into TlsIo::out. REQUIRES: state() == open.
  void send(Bytes plain);
  // The first flight of a client; afterwards progress happens in receive().
  void start();
  void send_close_notify();

  State state() const { return state_; }
  // Octets that it keeps of what is not complete yet: a part of the handshake, or of a record.
  size_t held() const;
  const std::string& error() const { return error_; }  // when failed: for a log

  SSL* ssl() { return ssl_.get(); }
  bool resumed() const { return SSL_session_reused(ssl_.get()) != 0; }
  const char* version() const { return SSL_get_version(ssl_.get()); }
  const char* cipher() const;
  std::string alpn() const;         // the protocol that was agreed upon, may be empty
  std::string server_name() const;  // SNI as the client sent it, may be empty; server side, before shedding

 private:
  Tls(Loop& loop, bssl::UniquePtr<SSL> ssl) : loop_(loop), ssl_(std::move(ssl)) {}
  bool handshake(Bytes received);
  void note_failure(int ssl_error, Bytes received);

  Loop& loop_;
  std::shared_ptr<TlsClientContext> client_context_;  // of a client: the connection tells it of new sessions
  bssl::UniquePtr<SSL> ssl_;
  State state_ = State::handshaking;
  uint32_t handshake_octets_ = 0;  // received so far
  std::string error_;
};

}  // namespace postigo
