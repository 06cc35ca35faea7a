// relay and echo: what TLS, two sockets and a buffer cost when nobody looks at the bytes. No login, no parser, no
// statistics: a floor, not a proxy.
#include "bench/bare/serve.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <vector>

#include "bench/common/program.h"
#include "bench/common/stream.h"
#include "bench/common/tls.h"

namespace postigo::bench {
namespace {

class Pair;

struct Server {
  Loop loop;
  Context tls;
  Stream::Target backend;
  bool echo = false;
  uint64_t connections = 0, octets = 0;
  std::vector<Pair*> over;  // to be deleted when the turn is over

  void clean();
};

// A client and its backend, or a client that hears itself. At most one side has TLS, so that writing to one while the
// other reads does not mix up the loop's buffers.
class Pair {
 public:
  explicit Pair(Server& server) : server_(server) {}
  void start(int fd) {
    // To the backend at once, as a proxy cannot: it must know the user first.
    if (!server_.echo) backend_.stream.connect(server_.backend, {});
    client_.stream.accept(fd, server_.tls.get());
  }

 private:
  struct Side final : Stream::Owner {
    Side(Pair& owner, Loop& loop) : pair(owner), stream(loop, *this) {}
    void on_open() override {}
    void on_data(std::string_view data) override { pair.pass(*this, data); }
    void on_drained() override { pair.other(*this).stream.resume(); }
    void on_over(Stream::Over) override { pair.ended(*this); }
    Pair& pair;
    Stream stream;
  };

  Side& other(Side& side) { return server_.echo || &side == &backend_ ? client_ : backend_; }

  // One write per read. What the socket does not take is kept, and nothing more is read until it is gone.
  void pass(Side& from, std::string_view data) {
    server_.octets += data.size();
    Stream& to = other(from).stream;
    if (to.closed()) return;
    to.send_stable(data);
    to.flush();
    to.keep();
    if (to.blocked()) from.stream.pause();
  }

  void ended(Side& side) {
    Stream& rest = &side == &client_ ? backend_.stream : client_.stream;
    if (!rest.closed()) return rest.finish();
    if (!over_) server_.over.push_back(this);
    over_ = true;
  }

  Server& server_;
  Side client_{*this, server_.loop};
  Side backend_{*this, server_.loop};
  bool over_ = false;
};

void Server::clean() {
  for (Pair* pair : over) delete pair;
  over.clear();
}

class Listener final : public Loop::Handler {
 public:
  Listener(Server& server, int port) : server_(server) {
    fd_ = listen_on({htonl(INADDR_LOOPBACK)}, port, port_);
    server.loop.add(fd_, EPOLLIN, *this);
  }
  int port() const { return port_; }
  void ready(uint32_t) override {
    for (int taken = 0; taken < 64; ++taken) {
      int fd = accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      ++server_.connections;
      (new Pair(server_))->start(fd);  // comes back through Server::over
    }
  }

 private:
  Server& server_;
  int fd_, port_ = 0;
};

int serve(Server& server, const ServeOptions& options) {
  if (!options.certificate.empty()) server.tls = server_context(options.certificate, options.key);
  Listener listener(server, options.port);
  Ending ending(server.loop);
  print({{"port", listener.port()}});
  while (!ending.asked()) {
    server.loop.turn(-1);
    server.clean();
  }
  print({{"connections", server.connections}, {"octets", server.octets}});
  return kClean;
}

}  // namespace

int relay(const ServeOptions& options) {
  Server server;
  server.backend.to = parse_address(options.backend);
  return serve(server, options);
}

int echo(const ServeOptions& options) {
  Server server;
  server.echo = true;
  return serve(server, options);
}

}  // namespace postigo::bench
