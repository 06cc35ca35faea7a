// A TCP connection, plain or TLS, of the bench's tools. What is sent within one turn leaves in one write; the owner's
// big and constant memory is not copied. An object serves many connections one after the other.
// Not here: protocols, time-outs (the tools bound whole runs instead).
#pragma once

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/uio.h>

#include <string>
#include <string_view>
#include <vector>

#include "bench/common/loop.h"

namespace postigo::bench {

class Stream final : public Loop::Handler {
 public:
  // Why a connection is over: the peer's end (or ours, after finish()), no connection, no TLS, reset.
  enum class Over { ended, connect, tls, reset };

  // The stream is closed already when on_over is called, and may be used for the next connection at once. Call-backs
  // may close their own stream; of others they may only connect() and send(), because the loop's buffers are shared.
  class Owner {
   public:
    virtual void on_open() = 0;
    virtual void on_data(std::string_view data) = 0;
    virtual void on_over(Over why) = 0;
    virtual void on_drained() {}  // all is sent, after flush() had left something behind

   protected:
    ~Owner() = default;
  };

  Stream(Loop& loop, Owner& owner) : loop_(loop), owner_(owner) {}
  ~Stream() { close(); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  struct Target {
    sockaddr_in to{};
    SSL_CTX* tls = nullptr;      // null: plain
    const char* name = nullptr;  // SNI
    bool resume = false;         // keep the newest ticket, and use it the next time
  };
  // Never calls back before it returns. `from` 0.0.0.0: the kernel chooses.
  void connect(const Target& target, in_addr from);
  void accept(int fd, SSL_CTX* tls);
  // STARTTLS, the server's side; what was sent before leaves in plain text.
  void start_tls(SSL_CTX* tls);

  void send(std::string_view text);
  void send_stable(std::string_view bytes);  // must live until it is sent
  // Only needed outside of the owner's call-backs.
  void flush();
  // What send_stable() was given and flush() could not send is copied: the memory may go.
  void keep();
  // No more on_data, except what was received already.
  void pause() { paused_ = true; }
  void resume();
  // Sends the rest, then ends.
  void finish();
  void close();

  bool open() const { return state_ == State::open; }
  bool closed() const { return state_ == State::closed; }
  bool blocked() const { return !segments_.empty() || !cipher_.empty(); }
  const SSL* ssl() const { return ssl_.get(); }

  void ready(uint32_t events) override;
  void take_ticket(SSL_SESSION* session) { ticket_.reset(session); }
  SSL_SESSION* ticket() const { return ticket_.get(); }

 private:
  enum class State { closed, refused, connecting, shaking, open };
  struct Segment {
    const char* stable;  // null: in text_
    size_t at;
    size_t size;
  };

  void shake();
  void receive(bool ending);
  void feed(size_t count);
  void decrypt();
  void flush_plain();
  void flush_tls();
  bool flush_cipher();
  bool sent_raw(std::string_view bytes, size_t& count);
  const char* data(const Segment& segment) const { return segment.stable ? segment.stable : text_.data() + segment.at; }
  void consume(size_t count);
  void forget();
  void over(Over why);

  Loop& loop_;
  Owner& owner_;
  int fd_ = -1;
  State state_ = State::closed;
  bool finishing_ = false;
  bool paused_ = false, unread_ = false, left_ = false;
  uint32_t life_ = 0;  // grows with each close: whoever calls the owner looks whether its connection still exists
  size_t first_ = 0;   // of segments_
  std::vector<Segment> segments_;
  std::string text_;
  std::string cipher_;
  bssl::UniquePtr<SSL> ssl_;
  bssl::UniquePtr<SSL_SESSION> ticket_;
};

}  // namespace postigo::bench
