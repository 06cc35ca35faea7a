// Listening, accepting, counting and stopping. Not here: what a session does (session/), what is counted where.
#include "proxy/worker.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <openssl/rand.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "backends/directory/factory.h"
#include "proxy/base/log.h"

namespace postigo {
namespace {

constexpr int kBacklog = 4096;  // a storm of reconnecting clients; the kernel cuts it to somaxconn

uint64_t random_id() {
  uint64_t id = 0;
  RAND_bytes(reinterpret_cast<uint8_t*>(&id), sizeof(id));
  return id;
}

}  // namespace

struct Worker::Listener {
  uv_tcp_t handle;
  Worker* worker;
  size_t frontend;
};

Worker::Worker(Shared& shared, std::shared_ptr<const Snapshot> snapshot, unsigned index)
    : shared_(shared),
      snapshot_(std::move(snapshot)),
      index_(index),
      loop_([this](uint64_t lag_ms) {
        stats_.loop_lag.observe_us(lag_ms * 1000);
        stats_.buffered_bytes.set(loop_.chunks().in_use() * Chunk::kSize);
      }),
      mailbox_(std::make_shared<Mailbox>(loop_.uv())),
      env_(loop_, mailbox_, shared.lookups, shared.passwords),
      resolver_(loop_),
      next_id_(random_id()) {
  stats_.listeners.resize(snapshot_->frontends.size());
  stats_.backends.resize(snapshot_->live.backends.size());
}

Worker::~Worker() = default;

Result<void> Worker::listen(const std::vector<config::Listener>& listeners) {
  for (size_t i = 0; i < listeners.size(); ++i) {
    for (const config::Endpoint& endpoint : listeners[i].addresses) {
      if (auto bound = bind(endpoint, i); !bound) {
        return fail(fmt::format("listener {}: {}", listeners[i].name, bound.error().message));
      }
    }
  }
  return {};
}

namespace {

// SO_REUSEPORT would let a second Postigo of the same account share our ports unnoticed: whoever comes first looks
// whether somebody listens already.
int probe(const Address& address) {
  int fd = socket(address.get()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  int on = 1;
  bool ipv6 = address.get()->sa_family == AF_INET6;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (ipv6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  socklen_t size = ipv6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  int status = ::bind(fd, address.get(), size) == 0 ? 0 : -errno;
  close(fd);
  return status;
}

}  // namespace

Result<void> Worker::bind(const config::Endpoint& endpoint, size_t frontend) {
  std::optional<Address> address = Address::parse(endpoint.host, endpoint.port);
  if (!address) return fail(fmt::format("{} is not an address", endpoint.host));
  if (int busy = index_ == 0 ? probe(*address) : 0; busy != 0) {
    return fail(fmt::format("cannot listen on {}: {}", address->text(), uv_strerror(busy)));
  }
  auto listener = std::make_unique<Listener>();
  listener->worker = this;
  listener->frontend = frontend;
  uv_tcp_init_ex(loop_.uv(), &listener->handle, address->get()->sa_family);
  listener->handle.data = listener.get();
  auto* stream = reinterpret_cast<uv_stream_t*>(&listener->handle);
  listeners_.push_back(std::move(listener));
  int fd = -1;
  int on = 1;
  uv_fileno(reinterpret_cast<uv_handle_t*>(stream), &fd);
  setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
  int status = uv_tcp_bind(&listeners_.back()->handle, address->get(),
                           UV_TCP_IPV6ONLY * (address->get()->sa_family == AF_INET6));
  if (status == 0) {
    status = uv_listen(stream, kBacklog, [](uv_stream_t* handle, int result) {
      auto* ready = static_cast<Listener*>(handle->data);
      if (result == 0) ready->worker->accept(*ready);
    });
  }
  if (status != 0) return fail(fmt::format("cannot listen on {}: {}", address->text(), uv_strerror(status)));
  return {};
}

void Worker::accept(Listener& listener) {
  const Frontend& frontend = snapshot_->frontends[listener.frontend];
  ListenerStats& numbers = stats_.listeners[listener.frontend];
  int64_t now = shared_.sessions.fetch_add(1, std::memory_order_relaxed) + 1;
  bool refused = now > shared_.sessions_max;
  auto session = std::make_unique<Session>(*this, frontend, refused);
  auto* stream = reinterpret_cast<uv_stream_t*>(&listener.handle);
  // Beyond the places kept for polite refusals a connection is only taken and dropped.
  bool drop = now > shared_.sessions_max + Shared::kRefusing;
  if (!session->accept(stream)) {  // another process took it, or it was gone already
    shared_.sessions.fetch_sub(1, std::memory_order_relaxed);
    return;
  }
  numbers.accepted.inc();
  if (refused) numbers.rejected_limit.inc();
  ++alive_;
  Session& started = *session.release();  // owned by the list until retire()
  sessions_.push_back(started);
  if (drop) return started.abort(CloseReason::session_limit);
  started.begin();
}

std::string Worker::next_session_id() { return fmt::format("{:016x}", next_id_++); }

void Worker::retire(Session& session) {
  const Frontend& frontend = session.frontend();
  const Summary& summary = session.summary();
  ProtocolStats& numbers = stats_.protocols[frontend.protocol_index];
  stats_.listeners[frontend.index].closed.inc();
  numbers.closed[static_cast<size_t>(summary.reason)].inc();
  numbers.session_seconds.observe_us((summary.end_ms - summary.start_ms) * 1000);
  write(summary);
  session.unlink();
  loop_.bury(std::unique_ptr<Session>(&session));
  shared_.sessions.fetch_sub(1, std::memory_order_relaxed);
  --alive_;
  maybe_end();
}

void Worker::start() {
  directory_ = make_chain(*snapshot_->directories, env_);
  thread_ = std::thread([this] {
    loop_.run();
    loop_result_ = loop_.close();
  });
}

void Worker::stop() {
  mailbox_->post([this] { begin_stop(); });
}

void Worker::begin_stop() {
  if (stopping_) return;
  stopping_ = true;
  for (auto& listener : listeners_) uv_close(reinterpret_cast<uv_handle_t*>(&listener->handle), nullptr);
  sessions_.for_each([](Session& session) { session.shut_down(); });
  maybe_end();
}

void Worker::maybe_end() {
  if (!stopping_ || ended_ || alive_ != 0) return;
  ended_ = true;
  // One turn later: the last session is still on the stack and in the graveyard.
  loop_.defer([this] {
    directory_.reset();
    mailbox_->close();
    loop_.stop();
  });
}

void Worker::abandon() {
  begin_stop();
  loop_.run();
  loop_.close();
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

}  // namespace postigo
