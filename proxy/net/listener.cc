// Binding and accepting. Not here: what a session is (session/), how many there may be (worker.cc).
#include "proxy/net/listener.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "proxy/base/events.h"
#include "proxy/net/socket.h"

namespace postigo {
namespace {

constexpr int kBacklog = 4096;     // a storm of reconnecting clients; the kernel cuts it to somaxconn
constexpr unsigned kBurstMax = 8;  // connections in one turn
constexpr uint64_t kRestMs = 500;  // without descriptors: wait for sessions to end instead of spinning

void set_option(int fd, int level, int option, int value) { setsockopt(fd, level, option, &value, sizeof(value)); }

// A bound socket, or -errno.
int bound(const Address& address, bool share) {
  const sockaddr* to = address.get();
  bool ipv6 = to->sa_family == AF_INET6;
  int fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -errno;
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (share) set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (ipv6) set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (::bind(fd, to, address.size()) == 0) return fd;
  int status = -errno;
  close(fd);
  return status;
}

}  // namespace

int Listener::probe(const Address& address) {
  int fd = bound(address, true);
  if (fd < 0) return fd;
  close(fd);
  return 0;
}

Result<int> Listener::bind(const Address& address, bool exclusive) {
  auto failed = [&](int status) {
    return fail(fmt::format("cannot listen on {}: {}", address.text(), uv_strerror(status)));
  };
  if (exclusive) {  // SO_REUSEPORT would let a second Postigo of the same account share our ports unnoticed
    int probe = bound(address, false);
    if (probe < 0) return failed(probe);
    close(probe);
  }
  int fd = bound(address, true);
  if (fd < 0) return failed(fd);
  configure_connection(fd);  // inherited by every connection that is accepted: no system calls for it then
  if (listen(fd, kBacklog) != 0) {
    int status = -errno;
    close(fd);
    return failed(status);
  }
  return fd;
}

Result<Listener::Ptr> Listener::adopt(Loop& loop, int fd, Owner& owner) {
  std::unique_ptr<Listener> listener(new Listener(loop, fd, owner));
  if (int status = loop.watch(fd, *listener, EPOLLIN); status != 0) {
    std::string where = listener->address().text();
    close(fd);
    return fail(fmt::format("cannot listen on {}: {}", where, uv_strerror(status)));
  }
  return Ptr(listener.release());
}

Result<Listener::Ptr> Listener::open(Loop& loop, const Address& address, bool exclusive, Owner& owner) {
  auto fd = bind(address, exclusive);
  if (!fd) return tl::unexpected(fd.error());
  return adopt(loop, *fd, owner);
}

void Listener::drain() {
  for (int i = 0; i < kBacklog && owner_ != nullptr && accept_one(); ++i) {
  }
}

Listener::Listener(Loop& loop, int fd, Owner& owner)
    : loop_(loop), owner_(&owner), fd_(fd), rest_([](void* self) { static_cast<Listener*>(self)->wake_up(); }, this) {}

void Listener::Closer::operator()(Listener* listener) const {
  listener->owner_ = nullptr;
  listener->rest_.cancel();
  listener->loop_.close_watched(listener->fd_);
  listener->loop_.bury(std::unique_ptr<Listener>(listener));
}

// To ask for one more than there is costs a system call, and in a quiet turn there is one. Where turns with somebody at
// the door follow each other, more are waiting.
void Listener::ready(uint32_t) {
  burst_ = last_turn_ != 0 && loop_.turns() == last_turn_ + 1 ? std::min(burst_ * 2, kBurstMax) : 1;
  last_turn_ = loop_.turns();
  for (unsigned i = 0; i < burst_ && owner_ != nullptr; ++i) {
    if (accept_one()) continue;
    burst_ = 1;
    break;
  }
}

bool Listener::accept_one() {
  Address peer;
  socklen_t size = Address::kSizeMax;
  int fd = accept4(fd_, peer.data(), &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd >= 0) {
    owner_->on_accepted(*this, fd, peer);
    return true;
  }
  if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) rest(uv_strerror(-errno));
  return false;
}

void Listener::rest(const char* why) {
  log::write(events::listener_rests, {{"listener", address().text()}, {"detail", why}});
  loop_.watch_again(fd_, *this, 0);
  loop_.timers().arm(rest_, kRestMs);
}

void Listener::wake_up() { loop_.watch_again(fd_, *this, EPOLLIN); }

Address Listener::address() const {
  Address result;
  socklen_t size = Address::kSizeMax;
  getsockname(fd_, result.data(), &size);
  return result;
}

}  // namespace postigo
