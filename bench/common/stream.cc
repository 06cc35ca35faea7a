// Sockets and BoringSSL. The rule of this file: after each call of the owner, life_ tells whether the connection that
// it was about is still there.
#include "bench/common/stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "bench/common/tls.h"

namespace postigo::bench {
namespace {

// Below this a copy is cheaper than a record or an iovec of its own.
constexpr size_t kCopyBelow = 4096;
// Sealed before it is handed to the kernel: several records per system call.
constexpr size_t kSealAhead = 128 * 1024;
constexpr size_t kSealOnce = 64 * 1024;

void set_up(int fd) {
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

void Stream::connect(const Target& target, in_addr from) {
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  bool begun = fd_ >= 0;
  if (begun && from.s_addr != 0) {
    int on = 1;
    setsockopt(fd_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    sockaddr_in source{};
    source.sin_family = AF_INET;
    source.sin_addr = from;
    begun = bind(fd_, reinterpret_cast<sockaddr*>(&source), sizeof source) == 0;
  }
  if (begun) {
    set_up(fd_);
    begun =
        ::connect(fd_, reinterpret_cast<const sockaddr*>(&target.to), sizeof target.to) == 0 || errno == EINPROGRESS;
  }
  if (!begun || !loop_.add(fd_, Loop::kStreamEvents, *this)) {
    state_ = State::refused;
    return loop_.defer(*this);
  }
  state_ = State::connecting;
  if (target.tls == nullptr) return;
  ssl_ = new_ssl(loop_, target.tls, target.resume ? this : nullptr);
  SSL_set_connect_state(ssl_.get());
  if (target.name != nullptr && *target.name != '\0') SSL_set_tlsext_host_name(ssl_.get(), target.name);
  if (!target.resume || !ticket_) return;
  SSL_set_session(ssl_.get(), ticket_.get());
  if (SSL_SESSION_should_be_single_use(ticket_.get())) ticket_.reset();
}

void Stream::accept(int fd, SSL_CTX* tls) {
  fd_ = fd;
  set_up(fd_);
  state_ = State::open;
  if (!loop_.add(fd_, Loop::kStreamEvents, *this)) return over(Over::connect);
  if (tls == nullptr) return owner_.on_open();
  start_tls(tls);
}

void Stream::start_tls(SSL_CTX* tls) {
  uint32_t life = life_;
  flush_plain();
  if (life != life_) return;
  ssl_ = new_ssl(loop_, tls, nullptr);
  SSL_set_accept_state(ssl_.get());
  state_ = State::shaking;
}

void Stream::ready(uint32_t events) {
  uint32_t life = life_;
  if (state_ == State::refused) return over(Over::connect);
  if (state_ == State::connecting) {
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) == 0) return;
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) return over(Over::connect);
    if (ssl_) {
      state_ = State::shaking;
      shake();
    } else {
      state_ = State::open;
      owner_.on_open();
    }
  }
  if (life == life_ && (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
    receive((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
  }
  if (life == life_) flush();
}

// A short read has emptied the socket: the next octet makes an edge of its own, unless the end is here already.
void Stream::receive(bool ending) {
  uint32_t life = life_;
  for (;;) {
    if (paused_) {
      unread_ = true;
      return;
    }
    ssize_t count = recv(fd_, loop_.receive_buffer(), Loop::kReceiveSize, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0 && state_ == State::shaking) return over(Over::tls);
    if (count <= 0) return over(count == 0 ? Over::ended : Over::reset);
    auto size = static_cast<size_t>(count);
    if (ssl_) {
      feed(size);
    } else {
      owner_.on_data({loop_.receive_buffer(), size});
    }
    if (life != life_ || (size < Loop::kReceiveSize && !ending)) return;
  }
}

void Stream::shake() {
  int done = SSL_do_handshake(ssl_.get());
  if (done == 1) {
    state_ = State::open;
    return owner_.on_open();
  }
  if (SSL_get_error(ssl_.get(), done) != SSL_ERROR_WANT_READ) over(Over::tls);
}

void Stream::feed(size_t count) {
  uint32_t life = life_;
  loop_.cipher().in = loop_.receive_buffer();
  loop_.cipher().in_size = count;
  if (state_ == State::shaking) shake();
  if (life == life_ && state_ == State::open) decrypt();
}

// All records of one recv are one on_data.
void Stream::decrypt() {
  uint32_t life = life_;
  char* plain = loop_.plain_buffer();
  for (size_t filled = 0;;) {
    int size = SSL_read(ssl_.get(), plain + filled, static_cast<int>(Loop::kPlainSize - filled));
    if (size > 0) filled += static_cast<size_t>(size);
    if (size > 0 && Loop::kPlainSize - filled >= Loop::kRecordMax) continue;
    int error = size > 0 ? SSL_ERROR_NONE : SSL_get_error(ssl_.get(), size);
    if (filled > 0) owner_.on_data({plain, filled});
    if (life != life_ || error == SSL_ERROR_WANT_READ) return;
    if (error != SSL_ERROR_NONE) return over(error == SSL_ERROR_ZERO_RETURN ? Over::ended : Over::tls);
    filled = 0;
  }
}

void Stream::resume() {
  paused_ = false;
  if (!unread_ || state_ != State::open) return;
  unread_ = false;
  receive(true);
}

void Stream::send(std::string_view text) {
  bool goes_on = !segments_.empty() && segments_.back().stable == nullptr &&
                 segments_.back().at + segments_.back().size == text_.size();
  if (!goes_on) segments_.push_back({nullptr, text_.size(), 0});
  text_.append(text);
  segments_.back().size += text.size();
}

void Stream::send_stable(std::string_view bytes) {
  if (bytes.size() < kCopyBelow) return send(bytes);
  segments_.push_back({bytes.data(), 0, bytes.size()});
}

void Stream::keep() {
  for (size_t i = first_; i < segments_.size(); ++i) {
    Segment& segment = segments_[i];
    if (segment.stable == nullptr) continue;
    size_t at = text_.size();
    text_.append(segment.stable, segment.size);
    segment = {nullptr, at, segment.size};
  }
}

void Stream::consume(size_t count) {
  while (count > 0) {
    Segment& segment = segments_[first_];
    size_t taken = std::min(count, segment.size);
    if (segment.stable != nullptr) segment.stable += taken;
    segment.at += taken;
    segment.size -= taken;
    count -= taken;
    if (segment.size == 0) ++first_;
  }
  if (first_ == segments_.size()) forget();
}

void Stream::forget() {
  segments_.clear();
  text_.clear();
  first_ = 0;
}

void Stream::flush() {
  if (state_ != State::open && state_ != State::shaking) return;
  uint32_t life = life_;
  bool was_left = left_;
  if (ssl_) {
    flush_tls();
  } else {
    flush_plain();
  }
  if (life != life_) return;
  left_ = blocked();
  if (left_) return;
  if (finishing_) return over(Over::ended);
  if (was_left) owner_.on_drained();
}

void Stream::flush_plain() {
  while (first_ < segments_.size()) {
    std::array<iovec, 32> parts;
    size_t count = 0;
    for (size_t i = first_; i < segments_.size() && count < parts.size(); ++i) {
      parts[count++] = {const_cast<char*>(data(segments_[i])), segments_[i].size};
    }
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = count;
    ssize_t sent = sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) return;
    if (sent < 0) return over(Over::reset);
    consume(static_cast<size_t>(sent));
  }
}

void Stream::flush_tls() {
  std::vector<char>& out = loop_.cipher().out;
  for (;;) {
    if (!flush_cipher()) return;
    if (state_ != State::open || segments_.empty()) return;
    while (!segments_.empty() && out.size() < kSealAhead) {
      const Segment& segment = segments_[first_];
      size_t size = std::min(segment.size, kSealOnce);
      if (SSL_write(ssl_.get(), data(segment), static_cast<int>(size)) != static_cast<int>(size))
        return over(Over::tls);
      consume(size);
    }
  }
}

// false: the socket takes no more (the rest waits in cipher_), or the connection is over.
bool Stream::flush_cipher() {
  std::vector<char>& out = loop_.cipher().out;
  size_t count = 0;
  if (!cipher_.empty()) {
    if (!sent_raw(cipher_, count)) return false;
    cipher_.erase(0, count);
    if (!cipher_.empty()) {
      cipher_.append(out.data(), out.size());
      out.clear();
      return false;
    }
  }
  if (out.empty()) return true;
  if (!sent_raw({out.data(), out.size()}, count)) return false;
  cipher_.assign(out.data() + count, out.size() - count);
  out.clear();
  return cipher_.empty();
}

bool Stream::sent_raw(std::string_view bytes, size_t& count) {
  ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  count = sent > 0 ? static_cast<size_t>(sent) : 0;
  if (sent >= 0 || errno == EAGAIN || errno == EINTR) return true;
  over(Over::reset);
  return false;
}

void Stream::finish() {
  finishing_ = true;
  flush();
}

void Stream::close() {
  if (state_ == State::closed) return;
  if (ssl_ && cipher_.empty() && fd_ >= 0 && state_ != State::connecting) {
    if (state_ == State::open) SSL_shutdown(ssl_.get());
    const std::vector<char>& out = loop_.cipher().out;  // close_notify, or the alert that says what was wrong
    if (!out.empty()) [[maybe_unused]]
      ssize_t ignored = ::send(fd_, out.data(), out.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  ERR_clear_error();
  loop_.cipher().out.clear();
  loop_.cipher().in_size = 0;
  ssl_.reset();
  forget();
  cipher_.clear();
  finishing_ = paused_ = unread_ = left_ = false;
  state_ = State::closed;
  ++life_;
  loop_.forget(*this);
  if (fd_ < 0) return;
  ::close(fd_);
  fd_ = -1;
}

void Stream::over(Over why) {
  close();
  owner_.on_over(why);
}

}  // namespace postigo::bench
