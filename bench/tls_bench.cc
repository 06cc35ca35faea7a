// What does TLS cost on one core, as Postigo uses BoringSSL (one shared BIO, no sockets)? Whole handshakes, both ends
// in this process: a server pays a part of the figure. And sealing what is relayed.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>

#include "proxy/net/ticket_keys.h"
#include "proxy/net/tls.h"
#include "proxy/net/tls_client.h"
#include "proxy/net/tls_server.h"
#include "tests/unit/proxy/certificates.h"

namespace postigo {
namespace {

using Kind = Authority::Kind;

// Both ends, the contexts that they are made from, and the wire between them.
class Ends {
 public:
  explicit Ends(Kind kind) {
    config::TlsServer server_options;
    server_options.certificates = {authority_.issue("mail", "DNS:mail.example.org", kind)};
    config::TlsClient client_options;
    client_options.ca_file = authority_.ca_file();
    config::Problems problems;
    auto certificates = CertificateStore::load(server_options, problems);
    context_ = TlsServerContext::make(server_options, *certificates, std::make_shared<TicketKeys>(3600'000), "imap",
                                      "imaps", config::ClientCertificate::off, problems);
    trust_ = TlsTrust::make(client_options, "imap", "backend[0].tls", problems);
    forget();
  }
  ~Ends() {
    loop_.stop();
    loop_.run();
    loop_.close();
  }

  // The client has no ticket any more.
  void forget() { remembered_ = std::make_shared<TlsClientContext>(trust_, "mail.example.org", true); }

  bool handshake(uint16_t version) {
    server_ = Tls::server(loop_, context_->get());
    client_ = Tls::client(loop_, remembered_);
    SSL_set_max_proto_version(client_->ssl(), version);
    client_->start();
    while (take()) {
      (void)server_->receive(wire_);
      if (!take()) break;
      (void)client_->receive(wire_);
    }
    if (server_->state() != Tls::State::open || client_->state() != Tls::State::open) return false;
    server_->send("* OK\r\n");  // carries the tickets of TLS 1.3
    take();
    (void)client_->receive(wire_);
    return true;
  }
  bool resumed() const { return server_->resumed(); }

  void seal(Bytes plain) {
    server_->send(plain);
    loop_.tls_io().out.clear();
  }
  bool seal_and_open(Bytes plain) {
    server_->send(plain);
    take();
    return client_->receive(wire_).size() == plain.size();
  }

 private:
  bool take() {
    std::vector<char>& out = loop_.tls_io().out;
    wire_.assign(out.begin(), out.end());
    out.clear();
    return !wire_.empty();
  }

  Authority authority_;
  Loop loop_{nullptr};
  std::shared_ptr<const TlsServerContext> context_;
  std::shared_ptr<const TlsTrust> trust_;
  std::shared_ptr<TlsClientContext> remembered_;
  std::unique_ptr<Tls> server_, client_;
  std::string wire_;
};

void BM_Handshake(benchmark::State& state, Kind kind, uint16_t version, bool resume) {
  Ends ends(kind);
  ends.handshake(version);
  for (auto _ : state) {
    if (!resume) ends.forget();
    if (!ends.handshake(version) || ends.resumed() != resume) {
      state.SkipWithError("not the handshake that was meant");
      return;
    }
  }
}

BENCHMARK_CAPTURE(BM_Handshake, EcdsaFullTls13, Kind::ecdsa, TLS1_3_VERSION, false);
BENCHMARK_CAPTURE(BM_Handshake, EcdsaFullTls12, Kind::ecdsa, TLS1_2_VERSION, false);
BENCHMARK_CAPTURE(BM_Handshake, RsaFullTls13, Kind::rsa, TLS1_3_VERSION, false);
BENCHMARK_CAPTURE(BM_Handshake, RsaFullTls12, Kind::rsa, TLS1_2_VERSION, false);
BENCHMARK_CAPTURE(BM_Handshake, ResumedTls13, Kind::ecdsa, TLS1_3_VERSION, true);
BENCHMARK_CAPTURE(BM_Handshake, ResumedTls12, Kind::ecdsa, TLS1_2_VERSION, true);

// Argument: octets per call.
void BM_Seal(benchmark::State& state) {
  Ends ends(Kind::ecdsa);
  ends.handshake(TLS1_3_VERSION);
  std::string plain(static_cast<size_t>(state.range(0)), 'x');
  for (auto _ : state) ends.seal(plain);
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(plain.size()));
}
BENCHMARK(BM_Seal)->Arg(64)->Arg(1024)->Arg(16 * 1024)->Arg(256 * 1024 - 4096);

void BM_SealAndOpen(benchmark::State& state) {
  Ends ends(Kind::ecdsa);
  ends.handshake(TLS1_3_VERSION);
  std::string plain(static_cast<size_t>(state.range(0)), 'x');
  for (auto _ : state) {
    if (!ends.seal_and_open(plain)) {
      state.SkipWithError("not all came through");
      return;
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(plain.size()));
}
BENCHMARK(BM_SealAndOpen)->Arg(16 * 1024);

}  // namespace
}  // namespace postigo
