// A non-blocking socket: how it begins, what the loop tells it, how it ends. The loop enters through ready() and
// resume(); each does one thing after the other, and looks whether the owner is still there before the next. Reading,
// writing and TLS are next door (socket_read.cc, socket_write.cc, socket_tls.cc). Not here: what the bytes mean, when
// to pause, how long to wait (session/).
#include "proxy/net/socket.h"

#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace postigo {
namespace {

constexpr int kKeepAliveS = 60;       // T61: an IDLE session is silent for 29 minutes, a NAT forgets after 5
constexpr int kKeepAliveProbeS = 15;  // times the system's count (9): a lost peer is noticed after three minutes

void set(int fd, int level, int option, int value) { setsockopt(fd, level, option, &value, sizeof(value)); }

// A port that bind() takes is taken for all destinations. One that connect() finds need only differ for the same
// destination: 28,000 connections from each address to each backend (T67). The option is for IPv6 too.
bool bind_without_port(int fd, const Address& from) {
  set(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, 1);
  return ::bind(fd, from.get(), from.size()) == 0;
}

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

int Socket::begin(const Address& to, const Address* from) {
  int fd = ::socket(to.get()->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -errno;
  configure_connection(fd);
  bool bound = from == nullptr || bind_without_port(fd, *from);
  if (bound && (::connect(fd, to.get(), to.size()) == 0 || errno == EINPROGRESS)) return fd;
  int status = -errno;
  ::close(fd);
  return status;
}

int Socket::try_source(const Address& from) {
  int fd = ::socket(from.get()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  int status = bind_without_port(fd, from) ? 0 : -errno;
  ::close(fd);
  return status;
}

SocketPtr Socket::connect(Loop& loop, int begun, Owner& owner) {
  int fd = begun;
  int status = std::min(begun, 0);
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
// more than one turn of the loop (A39); so does a handshake of which its network has many.
void Socket::act(bool bulk) {
  if (failed_) return;
  if (writable_ && (bulk || queue_.size() <= kBulk)) {
    writable_ = false;
    if (!queue_.empty()) write_queue();
    if (owner_ == nullptr) return;
  }
  const bool waits = dear_ && !bulk && reading() && !loop_.may_shake_hands(*this, network_);
  if ((bulk || !bulk_) && !waits) read_some();
  if (owner_ == nullptr || failed_) return;
  if (writable_ || (reading() && !waits)) loop_.take_turn(*this);
  if (end_seen_) tell_unread_end();
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
