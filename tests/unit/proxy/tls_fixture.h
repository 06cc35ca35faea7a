// Two ends of one TLS connection in one process, without sockets: what one writes is carried to the other by hand, as
// many octets at a time as the test likes.
#pragma once

#include <algorithm>
#include <memory>
#include <string>

#include "proxy/net/ticket_keys.h"
#include "proxy/net/tls.h"
#include "proxy/net/tls_client.h"
#include "proxy/net/tls_server.h"
#include "tests/unit/proxy/certificates.h"
#include "tests/unit/proxy/loop_fixture.h"

namespace postigo {

class TlsTest : public LoopTest {
 protected:
  using Kind = Authority::Kind;
  using State = Tls::State;

  struct End {
    std::unique_ptr<Tls> tls;
    std::string under_way;  // ciphertext that the other end sent
    std::string got;        // plaintext
  };

  // --- what both ends start from; change it before connect() ---
  void serve(const std::string& name, const std::string& alternatives, Kind kind = Kind::ecdsa,
             std::vector<std::string> names = {}) {
    config::Certificate files = authority.issue(name, alternatives, kind);
    files.names = std::move(names);
    server_options.certificates.push_back(files);
  }
  std::shared_ptr<const TlsServerContext> server_context(const std::string& domain = "imaps") {
    config::Problems problems;
    auto store = CertificateStore::load(server_options, problems);
    auto context = TlsServerContext::make(server_options, *store, keys, "imap", domain, client_certificate, problems);
    for (const config::Problem& problem : problems) {
      if (problem.fatal) ADD_FAILURE() << to_string(problem);
    }
    return context;
  }
  std::shared_ptr<TlsClientContext> client_context(const std::string& name = "mail.example.org",
                                                   const std::string& alpn = "imap") {
    client_options.ca_file = authority.ca_file();
    config::Problems problems;
    auto trust = TlsTrust::make(client_options, alpn, "backend[0].tls", problems);
    for (const config::Problem& problem : problems) {
      if (problem.fatal) ADD_FAILURE() << to_string(problem);
    }
    return std::make_shared<TlsClientContext>(trust, name, client_options.verify);
  }

  // --- one connection ---
  void begin(const TlsServerContext& at, const std::shared_ptr<TlsClientContext>& from) {
    server = {Tls::server(loop, at.get()), {}, {}};
    client = {Tls::client(loop, from), {}, {}};
  }
  // True if both ends are open. The greeting that follows carries the tickets of TLS 1.3.
  bool handshake() {
    client.tls->start();
    collect(server);
    pump();
    if (server.tls->state() != State::open || client.tls->state() != State::open) return false;
    say(server, client, "* OK hello\r\n");
    EXPECT_EQ(client.got, "* OK hello\r\n");
    client.got.clear();
    return true;
  }
  bool connect(const TlsServerContext& at, const std::shared_ptr<TlsClientContext>& from) {
    begin(at, from);
    return handshake();
  }
  void say(End& from, End& to, Bytes text) {
    from.tls->send(text);
    collect(to);
    pump();
  }
  void close_notify(End& from, End& to) {
    from.tls->send_close_notify();
    collect(to);
    pump();
  }
  // The name in the certificate that the client was shown.
  std::string shown() {
    bssl::UniquePtr<X509> leaf(SSL_get_peer_certificate(client.tls->ssl()));
    char name[256] = "";
    if (leaf) X509_NAME_get_text_by_NID(X509_get_subject_name(leaf.get()), NID_commonName, name, sizeof(name));
    return name;
  }

  void collect(End& to) {
    std::vector<char>& out = loop.tls_io().out;
    to.under_way.append(out.begin(), out.end());
    out.clear();
  }
  void pump() {
    while (!server.under_way.empty() || !client.under_way.empty()) {
      deliver(server, client);
      deliver(client, server);
    }
  }
  void deliver(End& at, End& other) {
    if (at.under_way.empty()) return;
    std::string piece = at.under_way.substr(0, std::min(cut, Loop::kReceiveSize));
    at.under_way.erase(0, piece.size());
    if (at.tls->state() != State::handshaking && at.tls->state() != State::open) return;  // nobody listens
    at.got += at.tls->receive(piece);
    collect(other);
  }

  Authority authority;
  config::TlsServer server_options;
  config::ClientCertificate client_certificate = config::ClientCertificate::off;
  config::TlsClient client_options;
  std::shared_ptr<TicketKeys> keys = std::make_shared<TicketKeys>(3600'000);
  size_t cut = SIZE_MAX;
  End server, client;
};

}  // namespace postigo
