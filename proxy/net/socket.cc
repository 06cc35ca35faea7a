// uv_tcp_t with TLS and a queue for what the peer does not take yet. libuv enters through the small static call-backs;
// each finds the object, does one thing, and looks whether the owner is still there before it does the next. Not here:
// what the bytes mean, when to pause, how long to wait (session/).
#include "proxy/net/socket.h"

#include <array>
#include <cassert>

#include "proxy/net/tls_context.h"

namespace postigo {
namespace {

constexpr unsigned kKeepAliveS = 60;  // T61: an IDLE session is silent for 29 minutes, a NAT forgets after 5
constexpr size_t kBuffersMax = 32;    // per system call

uv_buf_t buffer_of(Bytes bytes) {
  return uv_buf_init(const_cast<char*>(bytes.data()), static_cast<unsigned>(bytes.size()));
}

}  // namespace

struct Socket::Write {
  uv_write_t request;
  size_t octets = 0;
};

Socket::Socket(Loop& loop, Owner* owner) : loop_(loop), owner_(owner), queue_(loop.chunks()) {
  uv_tcp_init(loop.uv(), &handle_);
  handle_.data = this;
}

Socket::~Socket() {
  if (pending_failure_) *pending_failure_ = nullptr;
}

void Socket::Closer::operator()(Socket* socket) const {
  socket->owner_ = nullptr;
  auto* handle = reinterpret_cast<uv_handle_t*>(&socket->handle_);
  auto freed = [](uv_handle_t* closed) { delete static_cast<Socket*>(closed->data); };
  if (socket->tls_ && socket->open_ && !socket->reset_ && !socket->finishing_ && !socket->failed_ &&
      socket->queue_.empty()) {
    socket->tls_->send_close_notify();
    socket->flush_tls();
  }
  if (socket->reset_ && socket->open_ && socket->shutdown_ == nullptr &&
      uv_tcp_close_reset(&socket->handle_, freed) == 0) {
    return;
  }
  uv_close(handle, freed);
}

SocketPtr Socket::accept(Loop& loop, uv_stream_t* listener, Owner& owner) {
  SocketPtr socket(new Socket(loop, &owner));
  if (uv_accept(listener, reinterpret_cast<uv_stream_t*>(&socket->handle_)) != 0) return nullptr;
  socket->opened();
  return socket;
}

SocketPtr Socket::connect(Loop& loop, const Address& to, Owner& owner) {
  SocketPtr socket(new Socket(loop, &owner));
  auto* request = new uv_connect_t;
  request->data = socket.get();
  // libuv calls back exactly once, with UV_ECANCELED before the close call-back if the socket is let go first.
  auto connected = [](uv_connect_t* done, int status) {
    std::unique_ptr<uv_connect_t> owned(done);
    auto* self = static_cast<Socket*>(done->data);
    if (self->owner_ == nullptr) return;
    if (status != 0) return self->owner_->on_failed(*self, uv_strerror(status));
    self->opened();
    self->owner_->on_connected(*self);
  };
  int status = uv_tcp_connect(request, &socket->handle_, to.get(), connected);
  if (status != 0) {
    delete request;
    socket->fail_later(uv_strerror(status));
  }
  return socket;
}

void Socket::opened() {
  open_ = true;
  uv_tcp_nodelay(&handle_, 1);
  uv_tcp_keepalive(&handle_, 1, kKeepAliveS);
  apply_reading();
}

void Socket::read(bool on) {
  want_read_ = on;
  apply_reading();
}

void Socket::apply_reading() {
  bool on = open_ && want_read_ && !failed_ && !ended_;
  if (on == reading_) return;
  reading_ = on;
  auto* stream = reinterpret_cast<uv_stream_t*>(&handle_);
  if (!on) {
    uv_read_stop(stream);
    return;
  }
  uv_read_start(
      stream,
      [](uv_handle_t* handle, size_t, uv_buf_t* buffer) {
        auto* self = static_cast<Socket*>(handle->data);
        *buffer = uv_buf_init(self->loop_.receive_buffer(), static_cast<unsigned>(self->read_size_));
      },
      [](uv_stream_t* handle, ssize_t count, const uv_buf_t*) { static_cast<Socket*>(handle->data)->received(count); });
}

void Socket::received(ssize_t count) {
  if (owner_ == nullptr || count == 0) return;
  if (count > 0) {
    Bytes data{loop_.receive_buffer(), static_cast<size_t>(count)};
    return tls_ ? received_tls(data) : owner_->on_data(*this, data);
  }
  if (count == UV_EOF) {
    ended_ = true;
    apply_reading();
    if (tls_ && tls_->state() == Tls::State::handshaking) {
      failed_ = true;
      return owner_->on_failed(*this, "closed during the TLS handshake");
    }
    return owner_->on_eof(*this, !tls_);
  }
  failed_ = true;
  apply_reading();
  owner_->on_failed(*this, uv_strerror(static_cast<int>(count)));
}

void Socket::received_tls(Bytes cipher) {
  bool was_handshaking = tls_->state() == Tls::State::handshaking;
  Bytes plain = tls_->receive(cipher);
  Tls::State state = tls_->state();
  bool secured = was_handshaking && (state == Tls::State::open || state == Tls::State::ended);
  // The last flight of the handshake waits for the greeting that follows it: one segment instead of two.
  if (!secured) flush_tls();
  if (secured) {
    owner_->on_secured(*this);
    if (owner_ == nullptr) return loop_.tls_io().out.clear();  // let go by reset: not for whoever sends next
    flush_tls();
  }
  if (!plain.empty()) {
    owner_->on_data(*this, plain);
    if (owner_ == nullptr) return;
  }
  if (state == Tls::State::failed) {
    failed_ = true;
    apply_reading();
    owner_->on_failed(*this, tls_->error());
  } else if (state == Tls::State::ended) {
    ended_ = true;
    apply_reading();
    owner_->on_eof(*this, true);
  }
}

void Socket::start_tls_server(SSL_CTX* context) { tls_ = Tls::server(loop_, context); }

void Socket::start_tls_client(TlsClientContext& context) {
  tls_ = Tls::client(loop_, context);
  if (tls_ == nullptr) return fail_later("cannot start TLS with " + context.name());
  tls_->start();
  flush_tls();
}

void Socket::send(std::span<const Bytes> parts) {
  if (failed_ || finishing_) return;
  if (!tls_) return push(parts);
  if (tls_->state() != Tls::State::open && tls_->state() != Tls::State::ended) return;
  for (Bytes part : parts) tls_->send(part);
  flush_tls();
}

void Socket::flush_tls() {
  std::vector<char>& out = loop_.tls_io().out;
  if (out.empty()) return;
  Bytes bytes{out.data(), out.size()};
  if (!failed_) push({&bytes, 1});
  out.clear();
}

void Socket::push(std::span<const Bytes> parts) {
  size_t sent = 0;
  if (queue_.empty() && !write_) {
    std::array<uv_buf_t, kBuffersMax> buffers;
    unsigned count = 0;
    for (Bytes part : parts) {
      if (!part.empty() && count < kBuffersMax) buffers[count++] = buffer_of(part);
    }
    if (count == 0) return;
    int result = uv_try_write(reinterpret_cast<uv_stream_t*>(&handle_), buffers.data(), count);
    if (result < 0 && result != UV_EAGAIN) return fail_later(uv_strerror(result));
    sent = result > 0 ? static_cast<size_t>(result) : 0;
  }
  for (Bytes part : parts) {
    size_t skipped = std::min(sent, part.size());
    sent -= skipped;
    queue_.append(part.substr(skipped));
  }
  start_write();
}

void Socket::start_write() {
  if (write_ || queue_.empty()) return;
  write_ = std::make_unique<Write>();
  write_->request.data = this;
  std::array<uv_buf_t, kBuffersMax> buffers;
  unsigned count = 0;
  for (const Chunk* chunk = queue_.front(); chunk != nullptr && count < kBuffersMax; chunk = chunk->next.get()) {
    buffers[count++] = buffer_of(chunk->view());
    write_->octets += chunk->view().size();
  }
  int status = uv_write(&write_->request, reinterpret_cast<uv_stream_t*>(&handle_), buffers.data(), count,
                        [](uv_write_t* done, int result) { static_cast<Socket*>(done->data)->written(result); });
  if (status != 0) {
    write_.reset();
    fail_later(uv_strerror(status));
  }
}

void Socket::written(int status) {
  std::unique_ptr<Write> done = std::move(write_);
  if (owner_ == nullptr) return;
  if (status != 0) {
    if (failed_) return;
    failed_ = true;
    apply_reading();
    return owner_->on_failed(*this, uv_strerror(status));
  }
  queue_.consume(done->octets);
  if (!queue_.empty()) return start_write();
  drained();
}

void Socket::drained() {
  if (!finishing_) return owner_->on_drained(*this);
  if (shutdown_ || shutdown_done_) return;
  shutdown_ = std::make_unique<uv_shutdown_t>();
  shutdown_->data = this;
  int status = uv_shutdown(shutdown_.get(), reinterpret_cast<uv_stream_t*>(&handle_), [](uv_shutdown_t* done, int) {
    auto* self = static_cast<Socket*>(done->data);
    self->shutdown_.reset();
    self->shutdown_done_ = true;
    if (self->owner_ != nullptr) self->owner_->on_drained(*self);
  });
  if (status != 0) {
    shutdown_.reset();
    fail_later(uv_strerror(status));
  }
}

void Socket::finish() {
  if (finishing_ || failed_) return;
  if (tls_ && open_) {
    tls_->send_close_notify();
    flush_tls();
  }
  finishing_ = true;
  if (queue_.empty() && !write_) drained();
}

void Socket::fail_later(const std::string& why) {
  if (failed_) return;
  failed_ = true;
  apply_reading();
  // The handle may be let go before the turn comes: the loop keeps a flag, not the socket.
  auto self = std::make_shared<Socket*>(this);
  pending_failure_ = self;
  loop_.defer([self, why] {
    Socket* socket = *self;
    if (socket != nullptr && socket->owner_ != nullptr) socket->owner_->on_failed(*socket, why);
  });
}

Address Socket::peer() const {
  sockaddr_storage storage{};
  int size = sizeof(storage);
  if (uv_tcp_getpeername(&handle_, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return Address();
  return Address(reinterpret_cast<sockaddr*>(&storage));
}

Address Socket::local() const {
  sockaddr_storage storage{};
  int size = sizeof(storage);
  if (uv_tcp_getsockname(&handle_, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return Address();
  return Address(reinterpret_cast<sockaddr*>(&storage));
}

}  // namespace postigo
