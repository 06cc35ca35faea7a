// What a socket writes: from the caller's spans as much as the kernel takes, the rest from a queue when it takes again,
// and the end behind it. Not here: encryption (socket_tls.cc), and how much may wait before somebody stops reading
// (session/).
#include "proxy/net/socket.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace postigo {
namespace {

constexpr size_t kBuffersMax = 32;  // per system call

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

void Socket::send(std::span<const Bytes> parts, bool more) {
  if (failed_ || broken_ || finishing_) return;
  if (!tls_) return push(parts, more);
  if (tls_->state() != Tls::State::open && tls_->state() != Tls::State::ended) return;
  for (Bytes part : parts) tls_->send(part);
  flush_tls(more);
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

}  // namespace postigo
