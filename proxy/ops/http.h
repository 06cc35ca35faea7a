// Http: a small HTTP server for few and known clients: one GET or HEAD per connection, its answer, the end (RFC 9112).
//
// On a loop, so that a silent client costs a descriptor and no thread. Every connection has kConnectionMs from accept
// to its last octet, and if there are more than kConnectionsMax the oldest one goes: nobody keeps others out. Confined
// to the loop's thread, but for open(), which may be called before the loop runs.
#pragma once

#include <functional>
#include <memory>
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
  };
  // What stands at a path. Called on the loop's thread; the path is as it came, without the query.
  using Pages = std::function<Page(std::string_view path)>;

  static constexpr size_t kConnectionsMax = 64;
  static constexpr uint64_t kConnectionMs = 10'000;
  static constexpr size_t kHeadMax = 8 * 1024;  // request line and fields

  // The error is one line.
  static Result<std::unique_ptr<Http>> open(Loop& loop, const Address& address, Pages pages);
  ~Http();  // closes everything

 private:
  class Connection;
  explicit Http(Loop& loop, Pages pages);
  void on_accepted(Listener& listener, int fd, const Address& peer) override;
  void retire(Connection& connection);

  Loop& loop_;
  Pages pages_;
  Listener::Ptr listener_;
  List<Connection, HttpTag> connections_;  // oldest first
  size_t count_ = 0;
};

}  // namespace postigo
