// Requests as far as we need them: a method, a path, and where the head ends. Not here: which pages there are
// (admin.cc).
#include "proxy/ops/http.h"

#include <fmt/format.h>

#include <algorithm>

#include "proxy/net/socket.h"

namespace postigo {
namespace {

const char* reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 431:
      return "Request Header Fields Too Large";
    default:
      return "Service Unavailable";
  }
}

struct Request {
  std::string_view method, target;
};

// RFC 9112 3: one blank between the parts. Nothing if it is no request line of HTTP/1.
std::optional<Request> parse_request_line(std::string_view line) {
  size_t first = line.find(' '), last = line.rfind(' ');
  if (first == 0 || first == std::string_view::npos || last <= first + 1) return std::nullopt;
  Request request{line.substr(0, first), line.substr(first + 1, last - first - 1)};
  std::string_view version = line.substr(last + 1);
  bool clean = std::all_of(request.target.begin(), request.target.end(), [](char c) { return c > ' ' && c < 127; });
  if (!clean || (version != "HTTP/1.1" && version != "HTTP/1.0")) return std::nullopt;
  return request;
}

// A lone LF ends a line too (RFC 9112 2.2).
bool is_whole(std::string_view head) {
  return head.find("\n\r\n") != std::string_view::npos || head.find("\n\n") != std::string_view::npos;
}
std::string_view first_line(std::string_view head) {
  std::string_view line = head.substr(0, head.find('\n'));
  return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

// Of "/metrics?x=y" and "http://host:9090/metrics" alike.
std::string_view path_of(std::string_view target) {
  size_t scheme = target.find("://");
  if (target.front() != '/' && scheme != std::string_view::npos) {
    size_t slash = target.find('/', scheme + 3);
    target = slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  return target.substr(0, target.find('?'));
}

}  // namespace

class Http::Connection final : public ListNode<HttpTag>, private Socket::Owner {
 public:
  Connection(Http& http, int fd)
      : http_(http), timer_([](void* self) { static_cast<Connection*>(self)->end(); }, this) {
    socket_ = Socket::adopt(http.loop_, fd, *this);
    http.loop_.timers().arm(timer_, kConnectionMs);
  }
  void end() {
    timer_.cancel();
    socket_.reset();
    http_.retire(*this);
  }

 private:
  void on_data(Socket&, Bytes data) override {
    if (answered_) return;  // read and dropped, so that it cannot turn our end into a reset
    head_.append(data);
    if (!is_whole(head_)) {
      if (head_.size() > kHeadMax) answer({.status = 431, .body = "too long\n"}, true);
      return;
    }
    auto request = parse_request_line(first_line(head_));
    if (!request) return answer({.status = 400, .body = "not an HTTP request\n"}, true);
    bool only_head = request->method == "HEAD";
    if (!only_head && request->method != "GET") return answer({.status = 405, .body = "read only\n"}, true);
    answer(http_.pages_(path_of(request->target)), !only_head);
  }
  void on_eof(Socket&, bool) override {
    if (!answered_ || socket_->finished()) end();
  }
  void on_failed(Socket&, const std::string&) override { end(); }
  void on_drained(Socket&) override {
    if (socket_->ended() && socket_->finished()) end();
  }

  void answer(const Page& page, bool with_body) {
    answered_ = true;
    std::string head = fmt::format(
        "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n{}Cache-Control: no-store\r\n"
        "Connection: close\r\n\r\n",
        page.status, reason(page.status), page.type, page.body.size(),
        page.status == 405 ? "Allow: GET, HEAD\r\n" : "");
    Bytes parts[] = {head, with_body ? Bytes(page.body) : Bytes()};
    socket_->send(parts, true);
    socket_->finish();
  }

  Http& http_;
  SocketPtr socket_;
  Timer timer_;
  std::string head_;
  bool answered_ = false;
};

Http::Http(Loop& loop, Pages pages) : loop_(loop), pages_(std::move(pages)) {}

Http::~Http() {
  while (!connections_.empty()) connections_.pop_front().end();
}

Result<std::unique_ptr<Http>> Http::open(Loop& loop, const Address& address, Pages pages) {
  std::unique_ptr<Http> http(new Http(loop, std::move(pages)));
  auto listener = Listener::open(loop, address, true, *http);
  if (!listener) return tl::unexpected(listener.error());
  http->listener_ = std::move(*listener);
  return http;
}

void Http::on_accepted(Listener&, int fd, const Address&) {
  if (count_ == kConnectionsMax) connections_.pop_front().end();
  auto connection = std::make_unique<Connection>(*this, fd);
  connections_.push_back(*connection.release());  // owned by the list until retire()
  ++count_;
}

void Http::retire(Connection& connection) {
  connection.unlink();
  --count_;
  loop_.bury(std::unique_ptr<Connection>(&connection));
}

}  // namespace postigo
