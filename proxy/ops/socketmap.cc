// Connections: questions one after the other, until the client leaves. Not here: what is answered (control/oracle.cc).
#include "proxy/ops/socketmap.h"

#include <atomic>
#include <utility>

#include "parser/socketmap/netstring.h"
#include "proxy/net/socket.h"

namespace postigo {
namespace {

std::array<std::atomic<uint64_t>, kSocketmapWords.size()> replies{};

void count(std::string_view reply) {
  for (size_t i = 0; i < replies.size(); ++i) {
    if (reply.substr(0, reply.find(' ')) == kSocketmapWords[i]) ++replies[i];
  }
}

}  // namespace

uint64_t socketmap_replies(size_t word) { return replies[word]; }

class Socketmap::Connection final : public ListNode<SocketmapTag>, private Socket::Owner {
 public:
  Connection(Socketmap& server, int fd)
      : server_(server), timer_([](void* self) { static_cast<Connection*>(self)->time_is_over(); }, this) {
    socket_ = Socket::adopt(server.loop_, fd, *this);
    server.loop_.timers().arm(timer_, server.bounds_.silence_ms);
  }
  void end() {
    timer_.cancel();
    *self_ = nullptr;
    socket_.reset();
    server_.retire(*this);
  }

 private:
  void on_data(Socket&, Bytes data) override {
    text_.append(data);
    if (!asked_) ask();
    if (socket_ != nullptr && text_.size() > kQuestionMax * 2) end();  // it does not wait for answers
  }
  void on_eof(Socket&, bool) override { end(); }
  void on_failed(Socket&, const std::string&) override { end(); }

  void ask() {
    auto question = netstring::parse(text_, kQuestionMax);
    if (question.state == netstring::Parsed::State::broken) return end();
    if (question.state == netstring::Parsed::State::more) return;
    const std::string whole(question.text);
    text_.erase(0, question.consumed);
    asked_ = true;
    ++number_;
    unlink();
    server_.connections_.push_back(*this);
    server_.loop_.timers().arm(timer_, server_.bounds_.timeout_ms);
    const size_t blank = whole.find(' ');
    if (blank == std::string::npos) return answer("PERM a question is a map's name and a key");
    const std::string_view name(whole.data(), blank), key(whole.data() + blank + 1, whole.size() - blank - 1);
    server_.asked_(name, key, [self = self_, number = number_](const std::string& reply) {
      if (*self != nullptr && (*self)->number_ == number) (*self)->answer(reply);
    });
  }
  void answer(const std::string& reply) {
    if (!std::exchange(asked_, false)) return;  // it has been told already
    count(reply);
    std::string text;
    netstring::append(text, reply);
    socket_->send(text);
    server_.loop_.timers().arm(timer_, server_.bounds_.silence_ms);
    if (socket_->unsent() > kQuestionMax * 64) return end();  // it does not listen to them
    if (!text_.empty())
      server_.loop_.defer([self = self_] {
        if (*self != nullptr && !(*self)->asked_) (*self)->ask();
      });
  }
  void time_is_over() { asked_ ? answer("TIMEOUT no answer in time") : end(); }

  Socketmap& server_;
  SocketPtr socket_;
  Timer timer_;
  std::string text_;                                                         // that was not looked at yet
  bool asked_ = false;                                                       // and not answered
  uint64_t number_ = 0;                                                      // of the newest question
  std::shared_ptr<Connection*> self_ = std::make_shared<Connection*>(this);  // for an answer that comes later
};

Result<std::unique_ptr<Socketmap>> Socketmap::open(Loop& loop, int fd, Bounds bounds, Asked asked) {
  std::unique_ptr<Socketmap> server(new Socketmap(loop, bounds, std::move(asked)));
  auto listener = Listener::adopt(loop, fd, *server);
  if (!listener) return tl::unexpected(listener.error());
  server->listener_ = std::move(*listener);
  return server;
}

Socketmap::~Socketmap() {
  while (!connections_.empty()) connections_.pop_front().end();
}

void Socketmap::on_accepted(Listener&, int fd, const Address&) {
  if (count_ >= bounds_.connections_max) connections_.pop_front().end();
  auto connection = std::make_unique<Connection>(*this, fd);
  connections_.push_back(*connection.release());  // owned by the list until retire()
  ++count_;
}

void Socketmap::retire(Connection& connection) {
  connection.unlink();
  --count_;
  loop_.bury(std::unique_ptr<Connection>(&connection));
}

}  // namespace postigo
