// What a socket reads: one receive buffer of the loop's, in turns (A39), until the kernel has no more or the owner does
// not take it. Not here: when an edge is told and what follows from it (socket.cc), TLS (socket_tls.cc).
//
// Edges (epoll(7)): after a read that was not filled the kernel has nothing left, and tells when there is more; after a
// full one it may have. A socket that stops reading for a while remembers that it owes itself a read.
#include "proxy/net/socket.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "parser/base/secret.h"
#include "proxy/base/wiping.h"

namespace postigo {

void Socket::read_some() {
  bool more = true;
  while (more && reading()) {
    if (early_ != nullptr) {
      std::unique_ptr<std::string> early = std::move(early_);
      received_tls(*early);
      continue;
    }
    size_t size = bulk_ ? read_size_ : std::min<size_t>(read_size_, kBulk);
    ssize_t count = recv(fd_, loop_.receive_buffer(), size, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) {
      readable_ = false;
      return broken_ ? fail_now(uv_strerror(error_ != 0 ? -error_ : UV_ECONNRESET)) : void();
    }
    emptied_ = count < static_cast<ssize_t>(size);
    if (count > 0 && emptied_ && !end_seen_) readable_ = false;
    bulk_ = !emptied_;
    more = !bulk_;
    if (count > 0) loop_.moved(static_cast<size_t>(count));
    received(count < 0 ? -errno : count);
  }
}

bool Socket::quiet() const {
  char octet;
  ssize_t count = recv(fd_, &octet, sizeof(octet), MSG_PEEK | MSG_DONTWAIT);
  return open_ && !failed_ && !ended_ && !broken_ && count < 0 && errno == EAGAIN;
}

// Where the kernel does not know, the peer may have it.
bool Socket::acknowledged() const {
  int octets = 0;
  return queue_.empty() && (ioctl(fd_, SIOCOUTQ, &octets) != 0 || octets == 0);
}

void Socket::received(ssize_t count) {
  if (count > 0) {
    heard_ = true;
    bool login = read_size_ < Loop::kReceiveSize;
    WipedFrees wiped(login);
    Bytes data{loop_.receive_buffer(), static_cast<size_t>(count)};
    Bytes plain = tls_ ? received_tls(data) : received_clear(data);
    // Passwords would stand in the loop's buffers until somebody else's octets do.
    if (login) wipe(const_cast<char*>(plain.data()), plain.size());
    return;
  }
  if (count < 0) return fail_now(uv_strerror(static_cast<int>(count)));
  // A write was told of a reset, so that reading shows none. After a FIN it would have been told EPIPE.
  if (error_ != 0 && error_ != EPIPE) return fail_now(uv_strerror(-error_));
  if (tls_ && tls_->state() == Tls::State::handshaking) return fail_now("closed during the TLS handshake");
  ended_ = true;
  owner_->on_eof(*this, !tls_);
}

Bytes Socket::received_clear(Bytes data) {
  owner_->on_data(*this, data);
  return data;
}

}  // namespace postigo
