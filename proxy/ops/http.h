// Http: a small HTTP server for few and known clients: one request per connection, its answer, the end (RFC 9112).
//
// On a loop, so that a silent client costs a descriptor and no thread. Every connection has kConnectionMs from accept
// to the end of its request and from the answer to its last octet, and if there are more than kConnectionsMax the
// oldest one goes: nobody keeps others out. Confined to the loop's thread, but for open(), which may be called before
// the loop runs.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "parser/base/result.h"
#include "proxy/base/list.h"
#include "proxy/net/listener.h"

namespace postigo {

struct HttpTag {};

class Http final : private Listener::Owner {
 public:
  struct Page {
    int status = 200;
    std::string type = "text/plain; charset=utf-8";
    std::string body = {};
    std::string fields = {};                      // more lines of the head, each with its CRLF
    std::function<void(int fd)> taken = nullptr;  // with 101: what follows on the connection, which is its own then
  };
  struct Request {
    std::string method, path, query;  // as they came; the query without "?"
    std::string content_type, authorization, body;
    std::optional<uid_t> uid;  // of the process at the other end of a unix socket
    std::string client;        // the address at the other end of a TCP connection, with its port
  };
  // The answer, once; at once or later on the loop's thread. Nothing happens if the client is gone by then.
  using Answer = std::function<void(Page)>;
  using Handler = std::function<void(const Request& request, Answer answer)>;
  // Shown the head of a request before anything of its body is waited for; a page is the answer, and the end.
  using Gate = std::function<std::optional<Page>(const Request& head)>;

  static constexpr size_t kConnectionsMax = 64;
  static constexpr uint64_t kConnectionMs = 10'000;
  static constexpr uint64_t kAnswerMs = 120'000;  // for whoever answers
  static constexpr size_t kHeadMax = 8 * 1024;    // request line and fields

  // On a listening socket, for requests without a body. Takes `fd`. The error is one line.
  static Result<std::unique_ptr<Http>> open(Loop& loop, int fd, Handler handler);
  // The same for those whom `gate` lets in, with bodies.
  static Result<std::unique_ptr<Http>> open_gated(Loop& loop, int fd, Gate gate, Handler handler);
  // On a listening unix socket, for processes of root, and of this process's user and groups. Takes `fd`.
  static Result<std::unique_ptr<Http>> open_unix(Loop& loop, int fd, Handler handler);
  ~Http();  // closes everything
  // Those who are connected are answered still.
  void stop_listening() { listener_.reset(); }

 private:
  class Connection;
  Http(Loop& loop, Handler handler, Gate gate, bool unix);
  static Result<std::unique_ptr<Http>> on(Loop& loop, int fd, std::unique_ptr<Http> http);
  void on_accepted(Listener& listener, int fd, const Address& peer) override;
  void retire(Connection& connection);

  Loop& loop_;
  Handler handler_;
  Gate gate_;          // may be null
  bool peers_only_;    // look at the peer's credentials
  bool takes_bodies_;  // else they are read and dropped
  Listener::Ptr listener_;
  List<Connection, HttpTag> connections_;  // oldest first
  size_t count_ = 0;
};

// A handler for pages that can only be read: GET and HEAD.
Http::Handler read_only(std::function<Http::Page(std::string_view path)> pages);

}  // namespace postigo
