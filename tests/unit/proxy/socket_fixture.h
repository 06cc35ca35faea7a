// Two Sockets over loopback on one loop: what each was told is written down.
#pragma once

#include <csignal>
#include <functional>
#include <string>

#include "proxy/net/listener.h"
#include "proxy/net/socket.h"
#include "tests/unit/proxy/tls_fixture.h"

namespace postigo {

class SocketTest : public TlsTest, Listener::Owner {
 protected:
  static void SetUpTestSuite() { std::signal(SIGPIPE, SIG_IGN); }  // as the server does

  struct Recorder final : Socket::Owner {
    SocketPtr socket;
    std::string data, failure, ending, order;  // order: one letter per call
    bool clean = false;
    size_t largest = 0;
    std::function<void(char)> hook;  // called after each note

    void note(char what) {
      order += what;
      if (hook) hook(what);
    }
    void on_data(Socket&, Bytes bytes) override {
      data += bytes;
      largest = std::max(largest, bytes.size());
      note('d');
    }
    void on_eof(Socket&, bool was_clean) override {
      clean = was_clean;
      note('e');
    }
    void on_failed(Socket&, const std::string& why) override {
      failure = why;
      note('f');
    }
    void on_connected(Socket&) override { note('c'); }
    void on_secured(Socket&) override { note('s'); }
    void on_drained(Socket&) override { note('r'); }
    void on_ending(Socket&, const std::string& broken) override {
      ending = broken;
      note(broken.empty() ? 'a' : 'b');
    }

    bool told(char what) const { return order.find(what) != std::string::npos; }
  };

  void SetUp() override {
    listener_ = *Listener::open(loop, *Address::parse("127.0.0.1", 0), true, *this);
    address = listener_->address();
  }
  void TearDown() override {
    here.socket.reset();
    there.socket.reset();
    listener_.reset();
    for (int i = 0; i < 3; ++i) turn();
    EXPECT_EQ(loop.chunks().in_use(), 0u);
    EXPECT_TRUE(loop.tls_io().out.empty()) << "ciphertext of one connection would go to another";
    TlsTest::TearDown();
  }

  void connect() {
    here.socket = Socket::connect(loop, address, here);
    ASSERT_TRUE(run_until([&] { return here.told('c') && there.socket != nullptr; })) << here.failure;
  }
  void secure() {
    serve("mail", "DNS:mail.example.org");
    context = server_context();
    backend = client_context();
    connect();
    there.socket->start_tls_server(context->get());
    here.socket->start_tls_client(backend);
    ASSERT_TRUE(run_until([&] { return here.told('s') && there.told('s'); })) << here.failure << there.failure;
  }
  static std::string pattern(size_t size) {
    std::string text(size, 0);
    for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 2654435761u >> 13);
    return text;
  }

  Address address;
  std::function<void()> accepted;
  std::shared_ptr<const TlsServerContext> context;
  std::shared_ptr<TlsClientContext> backend;
  Recorder here, there;  // who connected, who accepted
  int there_fd = -1;     // to do to it what no Socket does

 private:
  void on_accepted(Listener&, int fd, const Address&) override {
    there_fd = fd;
    there.socket = Socket::adopt(loop, fd, there);
    if (accepted) accepted();
  }

  Listener::Ptr listener_;
};

}  // namespace postigo
