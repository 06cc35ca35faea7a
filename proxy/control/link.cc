// Packets, and messages made of them. Not here: what is asked and answered (predecessors.cc, successor.cc), how an end
// gets to another process (estate.cc).
#include "proxy/control/link.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace postigo {
namespace {

constexpr size_t kSlice = 32 * 1024;      // octets of a message in one packet
constexpr unsigned kPacketsPerTurn = 16;  // so that others are served meanwhile

}  // namespace

Result<std::pair<Descriptor, Descriptor>> Link::pair() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return fail(std::strerror(errno));
  return std::pair(Descriptor(ends[0]), Descriptor(ends[1]));
}

Link::Link(Loop& loop, Descriptor end, Calls calls) : loop_(loop), end_(std::move(end)), calls_(std::move(calls)) {
  go_on();
}

Link::~Link() { leave(); }

void Link::go_on() {
  if (gone_ || listens_) return;
  listens_ = loop_.watch(end_.get(), *this, EPOLLIN | (out_.empty() ? 0U : EPOLLOUT)) == 0;
}

void Link::pause() {
  if (std::exchange(listens_, false)) loop_.unwatch(end_.get());
}

void Link::leave() {
  pause();
  gone_ = true;
}

pid_t Link::maker() const {
  ucred peer{};
  socklen_t size = sizeof(peer);
  getsockopt(end_.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size);
  return peer.pid;
}

// Whoever has its end still open after the number was looked up is the one of that number.
Descriptor Link::process() const {
  const pid_t pid = maker();
  if (pid <= 0 || pid == ::getpid()) return {};
  Descriptor process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  char octet = 0;
  const bool left = recv(end_.get(), &octet, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
  return left ? Descriptor() : std::move(process);
}

bool Link::send(uint64_t number, const Json& message) {
  std::vector<uint8_t> octets = Json::to_cbor(message);
  if (gone_ || octets.size() > kMessageMax - waiting_) return false;
  waiting_ += octets.size();
  out_.push_back({{number, static_cast<uint32_t>(octets.size()), 0}, std::move(octets)});
  if (out_.size() == 1) flush();
  return true;
}

// False: the other side takes no more now.
bool Link::send_packet(Outgoing& message) {
  size_t size = std::min(kSlice, message.octets.size() - message.head.at);
  iovec parts[] = {{&message.head, sizeof(message.head)}, {message.octets.data() + message.head.at, size}};
  msghdr packet{};
  packet.msg_iov = parts;
  packet.msg_iovlen = 2;
  if (sendmsg(end_.get(), &packet, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
    if (errno == EINTR) return true;
    const bool later = errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM;
    if (!later) shutdown(end_.get(), SHUT_RDWR);  // its end is heard like any other
    return false;
  }
  message.head.at += static_cast<uint32_t>(size);
  return true;
}

void Link::flush() {
  bool takes = true;
  while (takes && !out_.empty()) {
    Outgoing& message = out_.front();
    takes = send_packet(message);
    if (message.head.at < message.octets.size()) continue;
    waiting_ -= message.octets.size();
    out_.pop_front();
  }
  if (listens_) loop_.watch_again(end_.get(), *this, EPOLLIN | (out_.empty() ? 0U : EPOLLOUT));
}

void Link::ready(uint32_t events) {
  if (!listens_) return;  // an event of the same turn may still come
  if ((events & EPOLLOUT) != 0) flush();
  bool fine = true;
  for (unsigned i = 0; fine && i < kPacketsPerTurn; ++i) {
    ssize_t size = recv(end_.get(), loop_.receive_buffer(), Loop::kReceiveSize, MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    fine = size > 0 && take({loop_.receive_buffer(), static_cast<size_t>(size)});
    if (!listens_) return;  // who heard it has no more use for it
  }
  if (fine) return;
  leave();
  calls_.ended();
}

// False: this is not what we would have sent. What belongs to a message whose beginning went to another process is
// passed over.
bool Link::take(std::string_view packet) {
  LinkHead head;
  if (packet.size() < sizeof(head)) return false;
  std::memcpy(&head, packet.data(), sizeof(head));
  packet.remove_prefix(sizeof(head));
  if (head.size > kMessageMax || head.at > head.size || packet.size() > head.size - head.at) return false;
  if (head.at == 0) {
    in_.clear();
  } else if (head.number != head_.number || head.at != in_.size()) {
    return true;
  }
  head_ = head;
  in_ += packet;
  if (in_.size() < head.size) return true;
  Json message = Json::from_cbor(std::exchange(in_, {}), true, false);
  if (message.is_discarded() || !message.is_object()) return false;
  calls_.heard(head.number, message);
  return true;
}

}  // namespace postigo
