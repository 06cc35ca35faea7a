// Connections: a request, its answer, the end. Not here: reading a head (http_head.cc), what is answered (admin.cc,
// api.cc).
#include "proxy/ops/http.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "proxy/net/socket.h"
#include "proxy/ops/http_head.h"

namespace postigo {
namespace {

const char* reason(int status) {
  struct Row {
    int status;
    const char* phrase;
  };
  constexpr Row kRows[] = {{101, "Switching Protocols"},
                           {200, "OK"},
                           {400, "Bad Request"},
                           {401, "Unauthorized"},
                           {403, "Forbidden"},
                           {404, "Not Found"},
                           {405, "Method Not Allowed"},
                           {409, "Conflict"},
                           {411, "Length Required"},
                           {413, "Content Too Large"},
                           {415, "Unsupported Media Type"},
                           {422, "Unprocessable Content"},
                           {429, "Too Many Requests"},
                           {431, "Request Header Fields Too Large"},
                           {503, "Service Unavailable"}};
  for (const Row& row : kRows) {
    if (row.status == status) return row.phrase;
  }
  return "Error";
}

// The account at the other end of a unix socket, if it may speak to us: root, our user, our groups.
std::optional<uid_t> known_peer(int fd) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
  if (peer.uid == 0 || peer.uid == geteuid() || peer.gid == getegid()) return peer.uid;
  std::vector<gid_t> groups(1024);
  size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
  if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0) return std::nullopt;
  groups.resize(size / sizeof(gid_t));
  bool ours = std::find(groups.begin(), groups.end(), getegid()) != groups.end();
  return ours ? std::optional(peer.uid) : std::nullopt;
}

}  // namespace

class Http::Connection final : public ListNode<HttpTag>, private Socket::Owner {
 public:
  Connection(Http& http, int fd, std::optional<uid_t> uid, std::string client)
      : http_(http), fd_(fd), timer_([](void* self) { static_cast<Connection*>(self)->end(); }, this) {
    request_.uid = uid;
    request_.client = std::move(client);
    socket_ = Socket::adopt(http.loop_, fd, *this);
    http.loop_.timers().arm(timer_, kConnectionMs);
  }
  void end() {
    timer_.cancel();
    *self_ = nullptr;
    socket_.reset();
    http_.retire(*this);
  }

 private:
  enum class State { head, body, asked, answered };

  void on_data(Socket&, Bytes data) override {
    if (state_ >= State::asked) return;  // read and dropped, so that it cannot turn our end into a reset
    text_.append(data);
    if (state_ == State::head && !take_head()) return;
    if (text_.size() < body_) return;
    request_.body = text_.substr(0, body_);
    state_ = State::asked;
    http_.loop_.timers().arm(timer_, kAnswerMs);
    http_.handler_(request_, [self = self_](Page page) {
      if (*self != nullptr) (*self)->answer(page);
    });
  }
  bool take_head() {
    size_t size = http_head_size(text_);
    if (size == 0) {
      if (text_.size() > kHeadMax) answer({.status = 431, .body = "too long\n"});
      return false;
    }
    HttpHead head = parse_http_head(std::string_view(text_).substr(0, size));
    int fault = head.fault != 0 ? head.fault : http_.takes_bodies_ ? head.body_fault : 0;
    if (fault != 0) {
      answer({.status = fault, .body = head.why});
      return false;
    }
    request_.method = head.method;
    request_.content_type = head.content_type;
    request_.authorization = head.authorization;
    request_.path = head.path;
    request_.query = head.query;
    body_ = http_.takes_bodies_ ? head.body : 0;
    text_.erase(0, size);
    state_ = State::body;
    auto refused = http_.gate_ ? http_.gate_(request_) : std::nullopt;
    if (refused) answer(*refused);
    return !refused;
  }
  void on_eof(Socket&, bool) override {
    if (state_ < State::asked || socket_->finished()) end();
  }
  void on_failed(Socket&, const std::string&) override { end(); }
  void on_drained(Socket&) override {
    if (socket_->ended() && socket_->finished()) end();
  }

  // A copy of the descriptor goes on; ours is closed, which ends nothing.
  void hand_out(const Page& page) {
    constexpr std::string_view kHead =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: postigo-succession\r\n\r\n";
    int copy = fcntl(fd_, F_DUPFD_CLOEXEC, 0);
    ::send(copy, kHead.data(), kHead.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    end();
    page.taken(copy);
  }
  void answer(const Page& page) {
    if (std::exchange(state_, State::answered) == State::answered) return;
    if (page.taken) return hand_out(page);
    http_.loop_.timers().arm(timer_, kConnectionMs);
    std::string head = fmt::format(
        "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n{}{}Cache-Control: no-store\r\n"
        "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
        page.status, reason(page.status), page.type, page.body.size(), page.status == 405 ? "Allow: GET, HEAD\r\n" : "",
        page.fields);
    Bytes parts[] = {head, request_.method == "HEAD" ? Bytes() : Bytes(page.body)};
    socket_->send(parts, true);
    socket_->finish();
  }

  Http& http_;
  int fd_;  // the socket's
  SocketPtr socket_;
  Timer timer_;
  State state_ = State::head;
  std::string text_;  // of the head, then of the body
  size_t body_ = 0;   // octets
  Request request_;
  std::shared_ptr<Connection*> self_ = std::make_shared<Connection*>(this);  // for an answer that comes later
};

Http::Http(Loop& loop, Handler handler, Gate gate, bool unix)
    : loop_(loop),
      handler_(std::move(handler)),
      gate_(std::move(gate)),
      peers_only_(unix),
      takes_bodies_(unix || gate_ != nullptr) {}

Http::~Http() {
  while (!connections_.empty()) connections_.pop_front().end();
}

Result<std::unique_ptr<Http>> Http::on(Loop& loop, int fd, std::unique_ptr<Http> http) {
  auto listener = Listener::adopt(loop, fd, *http);
  if (!listener) return tl::unexpected(listener.error());
  http->listener_ = std::move(*listener);
  return http;
}

Result<std::unique_ptr<Http>> Http::open(Loop& loop, int fd, Handler handler) {
  return open_gated(loop, fd, nullptr, std::move(handler));
}

Result<std::unique_ptr<Http>> Http::open_gated(Loop& loop, int fd, Gate gate, Handler handler) {
  return on(loop, fd, std::unique_ptr<Http>(new Http(loop, std::move(handler), std::move(gate), false)));
}

Result<std::unique_ptr<Http>> Http::open_unix(Loop& loop, int fd, Handler handler) {
  return on(loop, fd, std::unique_ptr<Http>(new Http(loop, std::move(handler), nullptr, true)));
}

void Http::on_accepted(Listener&, int fd, const Address& peer) {
  std::optional<uid_t> uid = peers_only_ ? known_peer(fd) : std::nullopt;
  if (peers_only_ && !uid) {
    close(fd);
    return;
  }
  if (count_ == kConnectionsMax) connections_.pop_front().end();
  auto connection = std::make_unique<Connection>(*this, fd, uid, peers_only_ ? "" : peer.text());
  connections_.push_back(*connection.release());  // owned by the list until retire()
  ++count_;
}

void Http::retire(Connection& connection) {
  connection.unlink();
  --count_;
  loop_.bury(std::unique_ptr<Connection>(&connection));
}

Http::Handler read_only(std::function<Http::Page(std::string_view path)> pages) {
  return [pages = std::move(pages)](const Http::Request& request, const Http::Answer& answer) {
    bool reads = request.method == "GET" || request.method == "HEAD";
    answer(reads ? pages(request.path) : Http::Page{.status = 405, .body = "read only\n"});
  };
}

}  // namespace postigo
