// Socket: one TCP connection, in clear text or TLS, with an owner that is told what happens.
//
// Ownership: SocketPtr. Letting go of it closes the connection; the memory goes at the end of the loop's turn. After
// that the owner is told nothing any more, also when it lets go from inside one of its own call-backs.
// No call completes synchronously: failures of send() arrive on the next turn.
// Letting go with octets unsent, or after reset_on_close(), ends by RST; everything else by FIN (T75).
#pragma once

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

// TCP_NODELAY, and keep-alive often enough for a NAT. A listening socket bequeaths them to what it accepts.
void configure_connection(int fd);

// Why a socket is not read for a while.
enum class Pause : uint8_t {
  peer_full = 1,     // too much waits for the other side
  filter_waits = 2,  // the rest may pass only after the other side has spoken
  attempt = 4,       // a login is being tried
  backend_lost = 8,  // nobody is there for what it says
};

class Socket final : public Watched {
 public:
  class Owner {
   public:
    // `data` is plaintext in a buffer of the loop: take it or lose it. All calls may let go of the socket.
    virtual void on_data(Socket& socket, Bytes data) = 0;
    // The peer will send no more. `clean`: with close_notify, or there is no TLS (T59). Sending is still possible.
    virtual void on_eof(Socket& socket, bool clean) = 0;
    // The connection is lost. Only letting go remains.
    virtual void on_failed(Socket& socket, const std::string& why) = 0;
    // While the socket is paused: the peer has ended, behind what was not read yet (T72). `broken` says why if the
    // connection is lost, so that nothing of ours arrives any more; empty: a FIN. Who unpauses gets the rest, and then
    // on_eof or on_failed as always.
    virtual void on_ending(Socket&, const std::string& broken) { static_cast<void>(broken); }
    virtual void on_connected(Socket&) {}
    virtual void on_secured(Socket&) {}  // the TLS handshake is over
    virtual void on_drained(Socket&) {}  // nothing is waiting to be sent any more
    virtual void on_partial(Socket&) {}  // TLS: octets came that make nothing whole yet, so that held() may have grown
   protected:
    ~Owner() = default;
  };
  struct Closer {
    void operator()(Socket* socket) const;
  };
  using Ptr = std::unique_ptr<Socket, Closer>;

  // Takes over what a Listener accepted.
  static Ptr adopt(Loop& loop, int fd, Owner& owner);
  // Begins to connect, from any port of `from` or, if that is null, from where the kernel chooses. A descriptor for
  // connect(), or -errno: -EADDRNOTAVAIL if no port is free for `to`, or `from` is no address of this machine.
  static int begin(const Address& to, const Address* from = nullptr);
  // 0 if this machine can connect from there, or -errno. Takes no port.
  static int try_source(const Address& from);
  static Ptr connect(Loop& loop, int begun, Owner& owner);  // on_connected or on_failed follows
  static Ptr connect(Loop& loop, const Address& to, Owner& owner) { return connect(loop, begin(to), owner); }
  ~Socket() override;  // by the loop
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  void set_owner(Owner& owner) { owner_ = &owner; }

  // All bytes from now on are TLS. What was received in clear text must be consumed; `received` is what came behind it
  // and is the beginning of TLS already. `network`: among whose handshakes it waits (handshake_line.h).
  // REQUIRES: received.size() <= Loop::kReceiveSize.
  void start_tls_server(SSL_CTX* context, Bytes received = {}, uint32_t network = 0);
  void start_tls_client(std::shared_ptr<TlsClientContext> context);
  Tls* tls() { return tls_.get(); }
  const Tls* tls() const { return tls_.get(); }

  // `more`: something follows in this turn, be it the end: the kernel may wait, so that both share a segment.
  void send(std::span<const Bytes> parts, bool more = false);
  void send(Bytes bytes) { send({&bytes, 1}); }
  size_t unsent() const { return queue_.size(); }
  size_t held() const {
    return queue_.size() + (early_ ? early_->size() : 0) + (tls_ ? tls_->held() : 0);
  }                                          // octets of memory, about
  uint64_t taken() const { return taken_; }  // octets that had to wait and went out since: grows with a slow peer

  // Half-close: after all that is unsent, close_notify and FIN. on_drained is told when they are out.
  void finish();
  bool finished() const { return shutdown_done_; }
  bool ended() const { return ended_; }  // the peer's end was told
  bool heard() const { return heard_; }  // the peer has sent an octet
  void forget_heard() { heard_ = false; }
  // The kernel has nothing of the peer's now, no octet and no end. A system call.
  bool quiet() const;
  // The peer's kernel has all that was sent. A system call.
  bool acknowledged() const;
  // It will be in this turn: what is being read now is the last that came.
  bool ending() const { return end_seen_ && emptied_; }
  // Close with RST instead of FIN, without close_notify: what was relayed is not complete and must not look so.
  void reset_on_close() { reset_ = true; }

  // Not read while any reason stands. Nobody can take away a reason that somebody else gave.
  void pause(Pause why, bool on = true);
  void unpause_all();
  // At most this much per on_data before decryption; <= Loop::kReceiveSize.
  void set_read_size(size_t size) { read_size_ = static_cast<uint32_t>(size); }

  Address peer() const;
  Address local() const;
  Loop& loop() { return loop_; }

 private:
  Socket(Loop& loop, int fd, Owner* owner) : loop_(loop), owner_(owner), queue_(loop.chunks()), fd_(fd) {}

  void ready(uint32_t events) override;
  void resume() override;
  void in_turn() override { act(true); }
  void act(bool bulk);
  void connected(uint32_t events);
  bool reading() const {
    return (readable_ || early_) && paused_ == 0 && open_ && !failed_ && !ended_ && owner_ != nullptr;
  }
  void read_some();
  void received(ssize_t count);
  // Both return the plaintext that was told: a view of a buffer of the loop.
  Bytes received_clear(Bytes data);
  Bytes received_tls(Bytes cipher);
  void flush_tls(bool more = false);
  void push(std::span<const Bytes> parts, bool more);
  size_t send_now(std::span<const Bytes> parts, bool more);
  void wait_writable();
  void write_queue();
  void drained();
  void break_off(int error);
  void tell_unread_end();
  void fail_now(const std::string& why);
  void fail_later(const std::string& why);

  static constexpr size_t kBulk = 32 * 1024;  // what is larger takes its turn among the like

  Loop& loop_;
  Owner* owner_;  // null once let go
  std::unique_ptr<Tls> tls_;
  ChunkQueue queue_;
  std::unique_ptr<std::string> failure_;  // to be told on the next turn
  std::unique_ptr<std::string> early_;    // of TLS, received before it began
  uint64_t taken_ = 0;
  int fd_;
  int error_ = 0;  // errno of a failed write: reading would not tell it again
  uint32_t read_size_ = 16 * 1024;
  uint32_t network_ = 0;
  uint8_t paused_ = 0;            // bits of Pause
  uint8_t end_told_ = 0;          // on_ending: 1 for an end, 2 for a broken connection
  bool open_ : 1 = false;         // connected
  bool readable_ : 1 = false;     // the kernel may have more: the edge was told and not used up yet
  bool emptied_ : 1 = false;      // the last read was not filled: the kernel has no more now
  bool end_seen_ : 1 = false;     // the kernel told of an end: read up to it, there is no further edge
  bool bulk_ : 1 = false;         // the last read was large: the next one waits for its turn
  bool writable_ : 1 = false;     // the kernel takes again, and something waits
  bool broken_ : 1 = false;       // by a reset or the like: nothing can be sent, what came before may be read
  bool watch_write_ : 1 = false;  // registered for EPOLLOUT
  bool failed_ : 1 = false;
  bool ended_ : 1 = false;  // EOF was told
  bool finishing_ : 1 = false;
  bool shutdown_done_ : 1 = false;
  bool tell_drained_ : 1 = false;
  bool reset_ : 1 = false;
  bool heard_ : 1 = false;
  bool dear_ : 1 = false;  // the next that is read may cost a signature
};

using SocketPtr = Socket::Ptr;

}  // namespace postigo
