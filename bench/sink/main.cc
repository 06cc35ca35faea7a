// bench_sink: a mail server without mail, as fast as one thread allows, so that a proxy in front of it is what is
// measured. It accepts every password but "wrong", holds a message of every size and forgets what it is given.
// Not a test double for behaviour: that is tests/fakes.
#include <arpa/inet.h>
#include <sys/socket.h>

#include <list>

#include "bench/common/program.h"
#include "bench/common/tls.h"
#include "bench/sink/session.h"

namespace postigo::bench {
namespace {

constexpr int kNone = -1;

struct Options {
  int imap = kNone, imaps = kNone, pop3 = kNone, pop3s = kNone, http = kNone;
  std::string certificate, key;
  bool any = false;
  bool verify = false;
  uint64_t corrupt = 0;
};

using Make = std::unique_ptr<Session> (*)(Sink&);

class Listener final : public Loop::Handler {
 public:
  Listener(Sink& sink, Make make, SSL_CTX* tls, int fd) : sink_(sink), make_(make), tls_(tls), fd_(fd) {
    sink.loop.add(fd, EPOLLIN, *this);
  }
  void ready(uint32_t) override {
    for (int taken = 0; taken < 64; ++taken) {
      int fd = accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      make_(sink_).release()->start(fd, tls_);  // comes back through Sink::over
    }
  }

 private:
  Sink& sink_;
  Make make_;
  SSL_CTX* tls_;
  int fd_;
};

Json totals(const Counters& c) {
  return {{"connections", c.connections},
          {"open_max", c.open_max},
          {"handshakes", c.handshakes},
          {"resumed", c.resumed},
          {"logins", c.logins},
          {"refused", c.refused},
          {"lookups", c.lookups},
          {"fetched", c.fetched},
          {"octets_fetched", c.octets_fetched},
          {"appended", c.appended},
          {"octets_appended", c.octets_appended},
          {"noops", c.noops},
          {"idles", c.idles},
          {"logouts", c.logouts},
          {"not_understood", c.not_understood}};
}

int serve(const Options& options) {
  Sink sink;
  sink.verify = options.verify;
  sink.corrupt = options.corrupt;
  Context context;
  if (!options.certificate.empty()) context = server_context(options.certificate, options.key);
  sink.tls = context.get();
  if (sink.tls == nullptr && (options.imaps != kNone || options.pop3s != kNone)) {
    throw std::runtime_error("--imaps and --pop3s need --certificate and --key");
  }

  std::list<Listener> listeners;
  Json ports = Json::object();
  auto listen = [&](const char* name, int port, Make make, SSL_CTX* tls) {
    if (port == kNone) return 0;
    int chosen = 0;
    int fd = listen_on({htonl(options.any ? INADDR_ANY : INADDR_LOOPBACK)}, port, chosen);
    listeners.emplace_back(sink, make, tls, fd);
    ports[name] = chosen;
    return chosen;
  };
  sink.imap_port = listen("imap", options.imap, imap_session, nullptr);
  sink.pop3_port = listen("pop3", options.pop3, pop3_session, nullptr);
  listen("imaps", options.imaps, imap_session, sink.tls);
  listen("pop3s", options.pop3s, pop3_session, sink.tls);
  listen("http", options.http, http_session, nullptr);
  if (listeners.empty()) throw std::runtime_error("no port to listen on");

  Ending ending(sink.loop);
  print(ports);
  while (!ending.asked()) {
    sink.loop.turn(-1);
    sink.clean();
  }
  print(totals(sink.counters));
  return kClean;
}

}  // namespace
}  // namespace postigo::bench

int main(int argc, char** argv) {
  using namespace postigo::bench;
  CLI::App app("A mail server without mail for benchmarks", "bench_sink");
  Options options;
  app.add_option("--imap", options.imap, "Port; 0: choose one");
  app.add_option("--pop3", options.pop3, "Port; 0: choose one");
  app.add_option("--imaps", options.imaps, "Port with TLS from the beginning");
  app.add_option("--pop3s", options.pop3s, "Port with TLS from the beginning");
  app.add_option("--http", options.http, "Port of the authentication server for nginx");
  app.add_option("--certificate", options.certificate, "PEM; STARTTLS and STLS too are offered with it");
  app.add_option("--key", options.key, "PEM");
  app.add_flag("--any", options.any, "Listen on all addresses, not only on 127.0.0.1");
  app.add_flag("--verify", options.verify, "Answer APPEND with the checksum of what came");
  app.add_option("--corrupt", options.corrupt, "Flip one octet in the message with this number, from 1");
  return run_program(app, argc, argv, [&] { return serve(options); });
}
