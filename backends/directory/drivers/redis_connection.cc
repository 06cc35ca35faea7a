// Sockets and replies. Not here: which server is asked, and what for (redis.cc).
#include "backends/directory/drivers/redis_connection.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "backends/directory/drivers/deadline.h"
#include "parser/base/ascii.h"

namespace postigo {
namespace {

std::string error_text(int number) { return strerrordesc_np(number); }

// Replies as hiredis makes them, but an array is no larger than anybody needs: its size is only claimed.
redisReplyObjectFunctions* reply_functions() {
  static redisReplyObjectFunctions plain;
  static redisReplyObjectFunctions bounded = [] {
    redisReader* sample = redisReaderCreate();
    plain = *sample->fn;
    redisReaderFree(sample);
    redisReplyObjectFunctions made = plain;
    made.createArray = [](const redisReadTask* task, int elements) -> void* {
      return elements > RedisConnection::kElementsMax ? nullptr : plain.createArray(task, elements);
    };
    return made;
  }();
  return &bounded;
}

// Copies, and wipes what it copied.
RedisReply taken(redisReply& from) {
  RedisReply reply;
  switch (from.type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
    case REDIS_REPLY_ERROR:
      reply.kind = from.type == REDIS_REPLY_ERROR ? RedisReply::Kind::error : RedisReply::Kind::text;
      reply.text.assign(from.str, static_cast<size_t>(from.len));
      wipe(from.str, static_cast<size_t>(from.len));
      break;
    case REDIS_REPLY_INTEGER:
      reply.kind = RedisReply::Kind::integer;
      reply.number = from.integer;
      break;
    case REDIS_REPLY_ARRAY:
      reply.kind = RedisReply::Kind::array;
      for (size_t i = 0; i < from.elements; ++i) reply.elements.push_back(taken(*from.element[i]));
      break;
    default:
      break;
  }
  return reply;
}

}  // namespace

RedisConnection::~RedisConnection() {
  if (reader_ != nullptr) {
    if (reader_->buf != nullptr) wipe(reader_->buf, reader_->len);
    redisReaderFree(reader_);
  }
  tls_.reset();
  if (fd_ >= 0) close(fd_);
}

void RedisConnection::begin_time() { until_ms_ = steady_ms() + terms_.timeout_ms; }

uint64_t RedisConnection::left_ms() const {
  const uint64_t now = steady_ms();
  return until_ms_ > now ? until_ms_ - now : 0;
}

Result<void> RedisConnection::wait(short events) {
  pollfd ready{fd_, events, 0};
  const int count = poll(&ready, 1, static_cast<int>(left_ms()));
  if (count > 0 || (count < 0 && errno == EINTR)) return {};
  return fail("no answer in time");
}

Result<std::unique_ptr<RedisConnection>> RedisConnection::open(const RedisTerms& terms,
                                                               const config::Endpoint& server) {
  std::unique_ptr<RedisConnection> made(new RedisConnection(terms));
  made->begin_time();
  made->reader_ = redisReaderCreateWithFunctions(reply_functions());
  if (auto there = made->connect(server); !there) return tl::unexpected(there.error());
  if (terms.tls != nullptr) {
    if (auto secured = made->secure(server.host); !secured) return tl::unexpected(secured.error());
  }
  if (auto known = made->log_in(); !known) return tl::unexpected(known.error());
  return made;
}

Result<void> RedisConnection::connect(const config::Endpoint& server) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  const int failed = getaddrinfo(server.host.c_str(), std::to_string(server.port).c_str(), &hints, &found);
  if (failed != 0) return fail(gai_strerror(failed));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, freeaddrinfo);
  Result<void> reached = fail("it has no address");
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    reached = reach(*each);
    if (reached || left_ms() == 0) break;
  }
  return reached;
}

Result<void> RedisConnection::reach(const addrinfo& address) {
  if (fd_ >= 0) close(fd_);
  fd_ = socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd_ < 0) return fail(error_text(errno));
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (::connect(fd_, address.ai_addr, address.ai_addrlen) == 0) return {};
  if (errno != EINPROGRESS) return fail(error_text(errno));
  if (auto ready = wait(POLLOUT); !ready) return fail("no connection in time");
  int error = 0;
  socklen_t size = sizeof(error);
  getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return fail(error_text(error));
  return {};
}

Result<void> RedisConnection::secure(const std::string& name) {
  tls_.reset(SSL_new(terms_.tls.get()));
  if (tls_ == nullptr || SSL_set_fd(tls_.get(), fd_) != 1) return fail("TLS: no memory");
  in6_addr octets;
  const bool literal =
      inet_pton(AF_INET, name.c_str(), &octets) == 1 || inet_pton(AF_INET6, name.c_str(), &octets) == 1;
  if (!literal) SSL_set_tlsext_host_name(tls_.get(), name.c_str());
  if (terms_.verify) {
    X509_VERIFY_PARAM* asked = SSL_get0_param(tls_.get());
    const bool set = literal ? X509_VERIFY_PARAM_set1_ip_asc(asked, name.c_str()) == 1
                             : X509_VERIFY_PARAM_set1_host(asked, name.c_str(), name.size()) == 1;
    if (!set) return fail("TLS: no name to verify");
  }
  for (;;) {
    ERR_clear_error();
    const int code = SSL_connect(tls_.get());
    if (code == 1) return {};
    if (auto wants = tls_wants(code); !wants) return wants;
  }
}

// Waits for what TLS waits for.
Result<void> RedisConnection::tls_wants(int code) {
  switch (SSL_get_error(tls_.get(), code)) {
    case SSL_ERROR_WANT_READ:
      return wait(POLLIN);
    case SSL_ERROR_WANT_WRITE:
      return wait(POLLOUT);
    default:
      break;
  }
  const long verified = SSL_get_verify_result(tls_.get());
  if (terms_.verify && verified != X509_V_OK)
    return fail(std::string("TLS: ") + X509_verify_cert_error_string(verified));
  const uint32_t error = ERR_peek_error();
  const char* reason = error != 0 ? ERR_reason_error_string(error) : nullptr;
  return fail(reason != nullptr ? std::string("TLS: ") + reason : "the server has ended the connection");
}

Result<void> RedisConnection::send(std::string_view octets) {
  while (!octets.empty()) {
    ERR_clear_error();
    const ssize_t count = tls_ != nullptr ? SSL_write(tls_.get(), octets.data(), static_cast<int>(octets.size()))
                                          : ::send(fd_, octets.data(), octets.size(), MSG_NOSIGNAL);
    if (count > 0) {
      octets.remove_prefix(static_cast<size_t>(count));
      continue;
    }
    if (tls_ == nullptr && errno != EAGAIN && errno != EINTR) return fail(error_text(errno));
    auto ready = tls_ != nullptr ? tls_wants(static_cast<int>(count)) : wait(POLLOUT);
    if (!ready) return ready;
  }
  return {};
}

Result<size_t> RedisConnection::receive(char* to, size_t size) {
  for (;;) {
    ERR_clear_error();
    const ssize_t count = tls_ != nullptr ? SSL_read(tls_.get(), to, static_cast<int>(size)) : recv(fd_, to, size, 0);
    if (count > 0) return static_cast<size_t>(count);
    if (tls_ == nullptr && count == 0) return fail("the server has ended the connection");
    if (tls_ == nullptr && errno != EAGAIN && errno != EINTR) return fail(error_text(errno));
    auto ready = tls_ != nullptr ? tls_wants(static_cast<int>(count)) : wait(POLLIN);
    if (!ready) return tl::unexpected(ready.error());
  }
}

Result<void> RedisConnection::log_in() {
  if (!terms_.password.empty()) {
    std::vector<std::string_view> words{"AUTH"};
    if (!terms_.login.empty()) words.push_back(terms_.login);
    words.push_back(terms_.password.reveal());
    const uint64_t until_ms = until_ms_;
    auto reply = ask(words);
    until_ms_ = until_ms;
    if (!reply) return tl::unexpected(reply.error());
    if (reply->kind == RedisReply::Kind::error) return fail("our login is refused: " + printable(reply->text));
  }
  if (terms_.database == 0) return {};
  auto reply = ask({"SELECT", std::to_string(terms_.database)});
  if (!reply) return tl::unexpected(reply.error());
  if (reply->kind == RedisReply::Kind::error) return fail("redis.database: " + printable(reply->text));
  return {};
}

Result<RedisReply> RedisConnection::ask(const std::vector<std::string_view>& words) {
  begin_time();
  std::vector<const char*> texts;
  std::vector<size_t> sizes;
  for (std::string_view word : words) {
    texts.push_back(word.data());
    sizes.push_back(word.size());
  }
  char* command = nullptr;
  const int size = redisFormatCommandArgv(&command, static_cast<int>(words.size()), texts.data(), sizes.data());
  if (size < 0) return fail("no memory");
  auto sent = send({command, static_cast<size_t>(size)});
  wipe(command, static_cast<size_t>(size));
  redisFreeCommand(command);
  if (!sent) return tl::unexpected(sent.error());
  std::array<char, 16 * 1024> buffer;
  for (size_t total = 0; total <= kReplyMax;) {
    void* made = nullptr;
    if (redisReaderGetReply(reader_, &made) != REDIS_OK) return fail("an answer that is none");
    if (made != nullptr) {
      RedisReply reply = taken(*static_cast<redisReply*>(made));
      freeReplyObject(made);
      return reply;
    }
    auto count = receive(buffer.data(), buffer.size());
    if (!count) return tl::unexpected(count.error());
    total += *count;
    redisReaderFeed(reader_, buffer.data(), *count);
    wipe(buffer.data(), *count);
  }
  return fail("an answer that is too long");
}

}  // namespace postigo
