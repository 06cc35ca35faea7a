// Between a socket and its TLS: how it starts, what was received, what is to be sent. Not here: records, certificates
// and sessions (tls.cc, tls_server.cc, tls_client.cc).
#include "proxy/net/socket.h"
#include "proxy/net/tls_client.h"

namespace postigo {

void Socket::start_tls_server(SSL_CTX* context, Bytes received, uint32_t network) {
  tls_ = Tls::server(loop_, context);
  network_ = network;
  dear_ = true;
  if (received.empty()) return;
  early_ = std::make_unique<std::string>(received);
  loop_.soon(*this);
}

void Socket::start_tls_client(std::shared_ptr<TlsClientContext> context) {
  tls_ = Tls::client(loop_, context);
  if (tls_ == nullptr) return fail_later("cannot start TLS with " + context->name());
  tls_->start();
  flush_tls();
}

Bytes Socket::received_tls(Bytes cipher) {
  bool was_handshaking = tls_->state() == Tls::State::handshaking;
  Bytes plain = tls_->receive(cipher);
  Tls::State state = tls_->state();
  bool secured = was_handshaking && (state == Tls::State::open || state == Tls::State::ended);
  if (!loop_.tls_io().out.empty()) dear_ = false;  // the hello is answered, what follows is cheap
  // The last flight of the handshake waits for the greeting that follows it: one segment instead of two.
  if (!secured) flush_tls();
  if (secured) {
    owner_->on_secured(*this);
    if (owner_ == nullptr) {
      loop_.tls_io().out.clear();  // let go by reset: not for whoever sends next
      return plain;
    }
    flush_tls();
  }
  if (plain.empty()) {
    owner_->on_partial(*this);
  } else {
    owner_->on_data(*this, plain);
  }
  if (owner_ == nullptr) return plain;
  if (state == Tls::State::failed) {
    fail_now(tls_->error());
  } else if (state == Tls::State::ended) {
    ended_ = true;
    owner_->on_eof(*this, true);
  }
  return plain;
}

void Socket::flush_tls(bool more) {
  std::vector<char>& out = loop_.tls_io().out;
  if (out.empty()) return;
  Bytes bytes{out.data(), out.size()};
  if (!failed_ && !broken_) push({&bytes, 1}, more);
  out.clear();
}

}  // namespace postigo
