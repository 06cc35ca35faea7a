// One mail client: a connection and the dialogue on it. Says one command at a time and judges the answer to the last
// octet. Not here: which command comes next (the modes), and what the protocols look like (imap.cc, pop3.cc).
#pragma once

#include <string>
#include <string_view>

#include "bench/common/stream.h"
#include "bench/load/numbers.h"

namespace postigo::bench {

class Client : private Stream::Owner {
 public:
  enum class Did { greeting, login, noop, fetch, append, idle, done, logout };

  // finished: the answer was the right one. For `logout` it means that the server has closed; the client may connect
  // again. failed: the connection is gone. wrong: it goes on, but the octets were not those that had to come.
  class Director {
   public:
    virtual void finished(Client& client, Did what) = 0;
    virtual void failed(Client& client, Error error) = 0;
    virtual void wrong_octets() = 0;
    virtual void shaken_hands(const SSL* ssl) = 0;

   protected:
    ~Director() = default;
  };

  Client(Loop& loop, Director& director, bool verify) : director_(director), stream_(loop, *this), verify_(verify) {}
  virtual ~Client() = default;

  void connect(const Stream::Target& target, in_addr from);
  virtual void login(std::string_view user, std::string_view password) = 0;
  virtual void noop() = 0;
  virtual void fetch(size_t size) = 0;
  virtual void append(size_t size, bool literal_plus) = 0;
  virtual void idle() = 0;
  virtual void done() = 0;
  virtual void logout() = 0;
  void flush() { stream_.flush(); }
  void close() { stream_.close(); }
  bool closed() const { return stream_.closed(); }

  // For the modes: when the unit began, whether one is under way, whether it may take commands.
  int64_t began_ns = 0;
  bool busy = false;
  bool ready = false;
  uint32_t kind = 0, left = 0, message = 0;  // mixed: which session, commands to come, octets of the message

 protected:
  virtual void line(std::string_view text) = 0;  // without its CRLF
  virtual void octets_over() = 0;                // all that expect() announced have come
  virtual void reset() = 0;
  virtual bool may_end() const = 0;   // LOGOUT was answered
  virtual bool said_bye() const = 0;  // the server has announced that it goes

  // The next octets are message `size` (or are skipped).
  void expect(size_t size, bool is_message);
  void begin(Did what) { doing_ = what; }
  void finish() { director_.finished(*this, doing_); }
  void fail(Error error);
  void send_message(size_t size);

  Did doing_ = Did::greeting;
  Director& director_;
  Stream stream_;

 private:
  void on_open() override;
  void on_data(std::string_view data) override;
  void on_over(Stream::Over why) override;
  void take_octets(std::string_view data);

  const bool verify_;
  bool message_ = false, right_ = true;
  size_t expected_ = 0, got_ = 0;
  uint32_t life_ = 0;
  std::string partial_;
};

std::unique_ptr<Client> imap_client(Loop& loop, Client::Director& director, bool verify);
std::unique_ptr<Client> pop3_client(Loop& loop, Client::Director& director, bool verify);

}  // namespace postigo::bench
