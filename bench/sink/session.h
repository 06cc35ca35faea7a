// One client of the sink: cuts what comes into lines and counted octets, for the three protocols. Not here: what lines
// mean (imap.cc, pop3.cc, http.cc).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/common/stream.h"

namespace postigo::bench {

class Session;

struct Counters {
  uint64_t connections = 0, handshakes = 0, resumed = 0, logins = 0, refused = 0, lookups = 0;
  uint64_t fetched = 0, appended = 0, noops = 0, idles = 0, logouts = 0;
  uint64_t octets_fetched = 0, octets_appended = 0;
  uint64_t not_understood = 0;
  uint64_t open = 0, open_max = 0;
};

// What all sessions share.
struct Sink {
  Loop loop;
  SSL_CTX* tls = nullptr;
  bool verify = false;               // checksums of what is appended
  uint64_t corrupt = 0;              // the message, counted from 1, whose middle octet is wrong; 0: none
  uint64_t messages = 0;             // sent so far
  int imap_port = 0, pop3_port = 0;  // what nginx is told
  Counters counters;
  std::vector<Session*> over;  // to be deleted when the turn is over

  void clean();
};

class Session : public Stream::Owner {
 public:
  explicit Session(Sink& sink) : sink_(sink), stream_(sink.loop, *this) {}
  virtual ~Session() = default;
  void start(int fd, SSL_CTX* tls);

  void on_open() final;
  void on_data(std::string_view data) final;
  void on_over(Stream::Over why) final;

 protected:
  virtual void greet() = 0;
  virtual void line(std::string_view text) = 0;  // without its CRLF
  virtual void counted(std::string_view) {}      // of what expect() announced

  void expect(size_t octets) { counted_ = octets; }
  void answer(std::initializer_list<std::string_view> parts);
  void send_message(size_t size);
  void start_tls();
  void finish();
  // The user's name and password are not looked at, but for one password that is wrong.
  bool login(std::string_view password);
  bool login_plain(std::string_view base64);
  bool encrypted() const { return stream_.ssl() != nullptr; }
  Counters& counters() { return sink_.counters; }

  Sink& sink_;

 private:
  Stream stream_;
  std::string partial_;
  size_t counted_ = 0;
  bool deaf_ = false;  // ended, or TLS begins: what is left of this read does not count
};

std::unique_ptr<Session> imap_session(Sink& sink);
std::unique_ptr<Session> pop3_session(Sink& sink);
std::unique_ptr<Session> http_session(Sink& sink);

// Upper case, at most 15 octets of it: verbs are shorter.
struct Verb {
  explicit Verb(std::string_view word);
  bool is(std::string_view name) const { return std::string_view(text, size) == name; }
  char text[16];
  size_t size;
};

// Takes the next word, up to a space, off the front.
std::string_view next_word(std::string_view& text);
// Digits only; -1 otherwise.
int64_t number(std::string_view digits);

}  // namespace postigo::bench
