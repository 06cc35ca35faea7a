// A non-blocking socket with TLS and a queue for what the peer does not take yet. The loop enters through ready() and
// resume(); each does one thing after the other, and looks whether the owner is still there before the next. Not here:
// what the bytes mean, when to pause, how long to wait (session/).
//
// Edges (epoll(7)): after a read that was not filled the kernel has nothing left, and tells when there is more; after a
// full one it may have. A socket that stops reading for a while remembers that it owes itself a read.
#include "proxy/net/socket.h"

#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>

#include "parser/base/secret.h"
#include "proxy/base/wiping.h"
#include "proxy/net/tls_client.h"

namespace postigo {
namespace {

constexpr int kKeepAliveS = 60;       // T61: an IDLE session is silent for 29 minutes, a NAT forgets after 5
constexpr int kKeepAliveProbeS = 15;  // times the system's count (9): a lost peer is noticed after three minutes
constexpr size_t kBuffersMax = 32;    // per system call
constexpr size_t kBulk = 32 * 1024;   // what is larger takes its turn among the like

void set(int fd, int level, int option, int value) { setsockopt(fd, level, option, &value, sizeof(value)); }

// Sends what the kernel takes of `parts`. The number of octets, or -errno (-EAGAIN: none).
ssize_t send_parts(int fd, std::span<iovec> parts, bool more = false) {
  int flags = MSG_NOSIGNAL | (more ? MSG_MORE : 0);
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  ssize_t sent;
  do {
    sent = parts.size() == 1 ? ::send(fd, parts[0].iov_base, parts[0].iov_len, flags) : sendmsg(fd, &message, flags);
  } while (sent < 0 && errno == EINTR);
  return sent < 0 ? -errno : sent;
}

iovec iovec_of(Bytes bytes) { return {const_cast<char*>(bytes.data()), bytes.size()}; }

}  // namespace

void configure_connection(int fd) {
  set(fd, SOL_TCP, TCP_NODELAY, 1);
  set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set(fd, SOL_TCP, TCP_KEEPIDLE, kKeepAliveS);
  set(fd, SOL_TCP, TCP_KEEPINTVL, kKeepAliveProbeS);
}

Socket::~Socket() = default;

void Socket::Closer::operator()(Socket* socket) const {
  socket->owner_ = nullptr;
  bool whole = !socket->reset_ && socket->queue_.empty();  // else the peer must not take it for the end (T59, T75)
  if (whole && socket->tls_ && socket->open_ && !socket->finishing_ && !socket->failed_) {
    socket->tls_->send_close_notify();
    socket->flush_tls(true);
  }
  if (!whole && socket->open_) {
    linger now{.l_onoff = 1, .l_linger = 0};
    setsockopt(socket->fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  }
  if (socket->fd_ >= 0) socket->loop_.close_watched(socket->fd_);
  socket->unlink();  // last: a farewell that fails asks to be told so
  socket->loop_.bury(std::unique_ptr<Socket>(socket));
}

SocketPtr Socket::adopt(Loop& loop, int fd, Owner& owner) {
  SocketPtr socket(new Socket(loop, fd, &owner));
  socket->open_ = true;
  if (int status = loop.watch(fd, *socket, EPOLLIN | EPOLLRDHUP | EPOLLET); status != 0) {
    ::close(fd);
    socket->fd_ = -1;
    socket->fail_later(uv_strerror(status));
  }
  return socket;
}

SocketPtr Socket::connect(Loop& loop, const Address& to, Owner& owner) {
  int fd = ::socket(to.get()->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  int status = fd >= 0 ? 0 : -errno;
  if (status == 0) {
    configure_connection(fd);
    if (::connect(fd, to.get(), to.size()) != 0 && errno != EINPROGRESS) status = -errno;
  }
  SocketPtr socket(new Socket(loop, fd, &owner));
  socket->watch_write_ = true;  // that is how the kernel tells that the connection stands
  if (status == 0) status = loop.watch(fd, *socket, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
  if (status != 0) {
    if (fd >= 0) ::close(fd);
    socket->fd_ = -1;
    socket->fail_later(uv_strerror(status));
  }
  return socket;
}

void Socket::ready(uint32_t events) {
  if (owner_ == nullptr || failed_) return;
  if (!open_) {
    connected(events);
    if (owner_ == nullptr || !open_) return;
  }
  bool ended = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  if (ended) end_seen_ = true;
  if (ended || (events & EPOLLIN) != 0) readable_ = true;
  if ((events & EPOLLERR) != 0) break_off(0);  // reading tells why, behind what came before
  if ((events & EPOLLOUT) != 0) writable_ = true;
  act(false);
}

// What a descriptor is ready for. A small session is served at once; bulk waits for its turn, so that it never holds up
// more than one turn of the loop (A39).
void Socket::act(bool bulk) {
  if (failed_) return;
  if (writable_ && (bulk || queue_.size() <= kBulk)) {
    writable_ = false;
    if (!queue_.empty()) write_queue();
    if (owner_ == nullptr) return;
  }
  if (bulk || !bulk_) read_some();
  if (owner_ == nullptr || failed_) return;
  if (writable_ || reading()) loop_.take_turn(*this);
  tell_unread_end();
}

void Socket::resume() {
  if (failure_ != nullptr) {
    std::unique_ptr<std::string> why = std::move(failure_);
    return owner_->on_failed(*this, *why);
  }
  if (tell_drained_) {
    tell_drained_ = false;
    owner_->on_drained(*this);
    if (owner_ == nullptr) return;
  }
  act(false);
}

// An end that no read will come to: the socket is paused, or the peer's end was read before the connection broke.
void Socket::tell_unread_end() {
  if (owner_ == nullptr || failed_ || !open_) return;
  if (broken_ && ended_) return fail_now(uv_strerror(error_ != 0 ? -error_ : UV_EPIPE));
  uint8_t end = broken_ ? 2 : end_seen_ ? 1 : 0;
  if (paused_ == 0 || ended_ || end <= end_told_) return;
  end_told_ = end;
  owner_->on_ending(*this, broken_ ? uv_strerror(error_ != 0 ? -error_ : UV_ECONNRESET) : "");
}

void Socket::connected(uint32_t events) {
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
    int error = 0;
    socklen_t size = sizeof(error);
    getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0) error = ECONNRESET;
    return fail_now(uv_strerror(-error));
  }
  if ((events & EPOLLOUT) == 0) return;
  open_ = true;
  owner_->on_connected(*this);
  if (owner_ == nullptr || failed_) return;
  if (!queue_.empty()) return write_queue();
  if (finishing_) drained();
}

void Socket::pause(Pause why, bool on) {
  auto bit = static_cast<uint8_t>(why);
  paused_ = static_cast<uint8_t>(on ? paused_ | bit : paused_ & ~bit);
  if (on ? end_seen_ : reading()) loop_.soon(*this);
}

void Socket::unpause_all() {
  paused_ = 0;
  if (reading()) loop_.soon(*this);
}

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

Bytes Socket::received_tls(Bytes cipher) {
  bool was_handshaking = tls_->state() == Tls::State::handshaking;
  Bytes plain = tls_->receive(cipher);
  Tls::State state = tls_->state();
  bool secured = was_handshaking && (state == Tls::State::open || state == Tls::State::ended);
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

void Socket::start_tls_server(SSL_CTX* context, Bytes received) {
  tls_ = Tls::server(loop_, context);
  if (received.empty()) return;
  early_ = std::make_unique<std::string>(received);
  loop_.soon(*this);
}

void Socket::start_tls_client(TlsClientContext& context) {
  tls_ = Tls::client(loop_, context);
  if (tls_ == nullptr) return fail_later("cannot start TLS with " + context.name());
  tls_->start();
  flush_tls();
}

void Socket::send(std::span<const Bytes> parts, bool more) {
  if (failed_ || broken_ || finishing_) return;
  if (!tls_) return push(parts, more);
  if (tls_->state() != Tls::State::open && tls_->state() != Tls::State::ended) return;
  for (Bytes part : parts) tls_->send(part);
  flush_tls(more);
}

void Socket::flush_tls(bool more) {
  std::vector<char>& out = loop_.tls_io().out;
  if (out.empty()) return;
  Bytes bytes{out.data(), out.size()};
  if (!failed_ && !broken_) push({&bytes, 1}, more);
  out.clear();
}

void Socket::push(std::span<const Bytes> parts, bool more) {
  size_t sent = queue_.empty() && open_ ? send_now(parts, more) : 0;
  if (broken_) return;
  for (Bytes part : parts) {
    size_t skipped = std::min(sent, part.size());
    sent -= skipped;
    queue_.append(part.substr(skipped));
  }
  if (!queue_.empty() && open_) wait_writable();
}

// What the kernel takes. Less than all means that it is full, and that an edge will tell when it is not.
size_t Socket::send_now(std::span<const Bytes> parts, bool more) {
  size_t sent = 0;
  while (!parts.empty()) {
    std::array<iovec, kBuffersMax> buffers;
    size_t count = 0;
    size_t octets = 0;
    for (; !parts.empty() && count < kBuffersMax; parts = parts.subspan(1)) {
      if (parts.front().empty()) continue;
      buffers[count++] = iovec_of(parts.front());
      octets += parts.front().size();
    }
    if (count == 0) break;
    ssize_t result = send_parts(fd_, {buffers.data(), count}, more);
    if (result == -EAGAIN) break;
    if (result < 0) {
      break_off(static_cast<int>(-result));
      break;
    }
    sent += static_cast<size_t>(result);
    if (static_cast<size_t>(result) < octets) break;
  }
  return sent;
}

void Socket::wait_writable() {
  if (watch_write_) return;  // edge-triggered: it stays registered and costs nothing
  watch_write_ = true;
  loop_.watch_again(fd_, *this, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
}

void Socket::write_queue() {
  while (!queue_.empty()) {
    std::array<iovec, kBuffersMax> buffers;
    size_t count = 0;
    for (const Chunk* chunk = queue_.front(); chunk != nullptr && count < kBuffersMax; chunk = chunk->next.get()) {
      buffers[count++] = iovec_of(chunk->view());
    }
    ssize_t sent = send_parts(fd_, {buffers.data(), count});
    if (sent == -EAGAIN) return;
    if (sent < 0) return break_off(static_cast<int>(-sent));
    queue_.consume(static_cast<size_t>(sent));
    taken_ += static_cast<uint64_t>(sent);
    loop_.moved(static_cast<size_t>(sent));
  }
  drained();
}

void Socket::drained() {
  if (!finishing_) return owner_->on_drained(*this);
  if (shutdown_done_) return;
  shutdown(fd_, SHUT_WR);  // fails if the peer has reset the connection, which reading tells
  shutdown_done_ = true;
  tell_drained_ = true;
  loop_.soon(*this);
}

void Socket::finish() {
  if (finishing_ || failed_ || broken_) return;
  if (tls_ && open_) {
    tls_->send_close_notify();
    flush_tls(true);
  }
  finishing_ = true;
  if (queue_.empty() && open_) drained();
}

// The connection is lost, but what came before that may still be read. The owner is told on this turn or the next.
void Socket::break_off(int error) {
  if (error_ == 0) error_ = error;
  if (broken_) return;
  broken_ = end_seen_ = readable_ = true;
  queue_.consume(queue_.size());
  loop_.soon(*this);
}

void Socket::fail_now(const std::string& why) {
  failed_ = true;
  std::string kept = why;  // may be the connection's own text, which goes with it
  owner_->on_failed(*this, kept);
}

void Socket::fail_later(const std::string& why) {
  if (failed_) return;
  failed_ = true;
  failure_ = std::make_unique<std::string>(why);
  loop_.soon(*this);
}

Address Socket::peer() const {
  Address result;
  socklen_t size = Address::kSizeMax;
  return getpeername(fd_, result.data(), &size) == 0 ? result : Address();
}

Address Socket::local() const {
  Address result;
  socklen_t size = Address::kSizeMax;
  return getsockname(fd_, result.data(), &size) == 0 ? result : Address();
}

}  // namespace postigo
