// Socket: one TCP connection, in clear text or TLS, with an owner that is told what happens.
//
// Ownership: SocketPtr. Letting go of it closes the connection; the memory goes in libuv's close call-back. After that
// the owner is told nothing any more, also when it lets go from inside one of its own call-backs.
// No call completes synchronously: failures of send() arrive on the next turn.
#pragma once

#include <uv.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "parser/base/bytes.h"
#include "proxy/net/address.h"
#include "proxy/net/chunk.h"
#include "proxy/net/loop.h"
#include "proxy/net/tls.h"

namespace postigo {

class Socket {
 public:
  class Owner {
   public:
    // `data` is plaintext in a buffer of the loop: take it or lose it. All calls may let go of the socket.
    virtual void on_data(Socket& socket, Bytes data) = 0;
    // The peer will send no more. `clean`: with close_notify, or there is no TLS (T59). Sending is still possible.
    virtual void on_eof(Socket& socket, bool clean) = 0;
    // The connection is lost. Only letting go remains.
    virtual void on_failed(Socket& socket, const std::string& why) = 0;
    virtual void on_connected(Socket&) {}
    virtual void on_secured(Socket&) {}  // the TLS handshake is over
    virtual void on_drained(Socket&) {}  // nothing is waiting to be sent any more
   protected:
    ~Owner() = default;
  };
  struct Closer {
    void operator()(Socket* socket) const;
  };
  using Ptr = std::unique_ptr<Socket, Closer>;

  // Accepts from a listening stream. Null if the kernel has nothing (any more).
  static Ptr accept(Loop& loop, uv_stream_t* listener, Owner& owner);
  static Ptr connect(Loop& loop, const Address& to, Owner& owner);  // on_connected or on_failed follows
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  void set_owner(Owner& owner) { owner_ = &owner; }

  // All bytes from now on are TLS. What was received in clear text must be consumed.
  void start_tls_server(SSL_CTX* context);
  void start_tls_client(TlsClientContext& context);  // the context outlives the socket
  Tls* tls() { return tls_.get(); }
  const Tls* tls() const { return tls_.get(); }

  void send(std::span<const Bytes> parts);
  void send(Bytes bytes) { send({&bytes, 1}); }
  size_t unsent() const { return queue_.size(); }

  // Half-close: after all that is unsent, close_notify and FIN. on_drained is told when they are out.
  void finish();
  bool finished() const { return shutdown_done_; }
  bool ended() const { return ended_; }  // the peer's end was told
  // Close with RST instead of FIN, without close_notify: what was relayed is not complete and must not look so.
  void reset_on_close() { reset_ = true; }

  void read(bool on);                                     // initially on
  void set_read_size(size_t size) { read_size_ = size; }  // at most this much per on_data before decryption

  Address peer() const;
  Address local() const;
  Loop& loop() { return loop_; }

 private:
  struct Write;  // a uv_write_t; exists only while the kernel's buffer is full

  Socket(Loop& loop, Owner* owner);
  ~Socket();
  void opened();
  void apply_reading();
  void received(ssize_t count);
  void received_tls(Bytes cipher);
  void flush_tls();
  void push(std::span<const Bytes> parts);
  void start_write();
  void written(int status);
  void drained();
  void fail_later(const std::string& why);

  Loop& loop_;
  Owner* owner_;  // null once let go
  uv_tcp_t handle_;
  std::unique_ptr<Tls> tls_;
  ChunkQueue queue_;
  std::unique_ptr<Write> write_;
  std::unique_ptr<uv_shutdown_t> shutdown_;
  size_t read_size_ = 16 * 1024;
  bool open_ = false;  // connected
  bool want_read_ = true;
  bool reading_ = false;
  bool failed_ = false;
  bool ended_ = false;  // EOF was told
  bool finishing_ = false;
  bool shutdown_done_ = false;
  bool reset_ = false;
  std::shared_ptr<Socket*> pending_failure_;  // nulled on destruction, see fail_later()
};

using SocketPtr = Socket::Ptr;

}  // namespace postigo
