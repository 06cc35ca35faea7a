// RedisConnection: one connection to a Redis or Valkey server: words in, replies out, each bounded in time and size.
//
// Blocks; one thread at a time. hiredis formats and reads; the socket and TLS are ours, because Debian's hiredis has no
// TLS (its extension is of OpenSSL, which must not meet BoringSSL in one process) and knows no deadline for a reply
// that comes octet by octet.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "parser/base/result.h"
#include "parser/base/secret.h"

struct addrinfo;
struct redisReader;

namespace postigo {

struct RedisReply {
  enum class Kind { nil, text, error, integer, array };
  Kind kind = Kind::nil;
  std::string text = {};  // also of an error
  int64_t number = 0;
  std::vector<RedisReply> elements = {};

  bool is_error(std::string_view code) const { return kind == Kind::error && text.starts_with(code); }
};

// How servers are met. Outlives the connections.
struct RedisTerms {
  std::string login;
  Secret password;  // empty: no AUTH
  unsigned database = 0;
  uint64_t timeout_ms = 2'000;  // for connecting with all that belongs to it, and for a reply
  bool verify = true;
  bssl::UniquePtr<SSL_CTX> tls = nullptr;  // null: without
};

class RedisConnection {
 public:
  static constexpr size_t kReplyMax = 256 * 1024;
  static constexpr int kElementsMax = 4096;

  // Connected, logged in, at its database.
  static Result<std::unique_ptr<RedisConnection>> open(const RedisTerms& terms, const config::Endpoint& server);
  ~RedisConnection();
  RedisConnection(const RedisConnection&) = delete;
  RedisConnection& operator=(const RedisConnection&) = delete;

  // After a failure it is of no use any more. An error that the server told is a reply.
  Result<RedisReply> ask(const std::vector<std::string_view>& words);

 private:
  explicit RedisConnection(const RedisTerms& terms) : terms_(terms) {}
  Result<void> connect(const config::Endpoint& server);
  Result<void> reach(const addrinfo& address);
  Result<void> secure(const std::string& name);
  Result<void> log_in();
  Result<void> wait(short events);
  Result<void> send(std::string_view octets);
  Result<size_t> receive(char* to, size_t size);
  Result<void> tls_wants(int code);
  uint64_t left_ms() const;
  void begin_time();

  const RedisTerms& terms_;
  int fd_ = -1;
  bssl::UniquePtr<SSL> tls_;
  redisReader* reader_ = nullptr;
  uint64_t until_ms_ = 0;
};

}  // namespace postigo
