// bench_bare: how cheap it could be at the best. Each subcommand is one limit that a proxy's cost is put beside. None
// of them is useful for anything else.
#include "bench/bare/limits.h"
#include "bench/bare/serve.h"
#include "bench/common/program.h"

namespace {

void add_serve(CLI::App* command, postigo::bench::ServeOptions& options) {
  command->add_option("--listen", options.port, "Port on 127.0.0.1; 0: choose one");
  CLI::Option* certificate = command->add_option("--certificate", options.certificate, "PEM; TLS towards clients");
  CLI::Option* key = command->add_option("--key", options.key, "PEM");
  certificate->needs(key);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace postigo::bench;
  CLI::App app("Lower limits of what a proxy costs", "bench_bare");
  app.require_subcommand(1);

  ServeOptions serving;
  CLI::App* relaying = app.add_subcommand("relay", "TLS, two sockets and a buffer, until SIGTERM");
  add_serve(relaying, serving);
  relaying->add_option("--backend", serving.backend, "ADDRESS:PORT")->required();
  CLI::App* echoing = app.add_subcommand("echo", "What comes goes back, until SIGTERM");
  add_serve(echoing, serving);

  std::string kind = "ecdsa";
  bool resumed = false;
  uint64_t count = 1000, bytes = 1'000'000'000, record = 16384;
  CLI::App* shaking = app.add_subcommand("handshake", "The server's CPU for a TLS 1.3 handshake");
  shaking->add_option("--kind", kind)->check(CLI::IsMember({"ecdsa", "rsa"}));
  shaking->add_option("--resumed", resumed, "0 or 1");
  shaking->add_option("--count", count)->check(CLI::Range(1, 10'000'000));
  CLI::App* sealing = app.add_subcommand("seal", "AES-128-GCM records into nowhere");
  sealing->add_option("--bytes", bytes)->transform(CLI::AsSizeValue(false));
  sealing->add_option("--record", record, "Octets per write")->check(CLI::Range(1, 1 << 20));
  CLI::App* copying = app.add_subcommand("copy", "read and write between two loopback connections");
  copying->add_option("--bytes", bytes)->transform(CLI::AsSizeValue(false));

  return run_program(app, argc, argv, [&] {
    if (relaying->parsed()) return relay(serving);
    if (echoing->parsed()) return echo(serving);
    if (shaking->parsed()) return handshake(kind, resumed, count);
    return sealing->parsed() ? seal(bytes, record) : copy(bytes);
  });
}
