// How sockets end: letting go inside each call-back, connections that never come, and truncated TLS (T59).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/proxy/socket_fixture.h"

namespace postigo {
namespace {

using testing::HasSubstr;

class SocketEnd : public SocketTest {
 protected:
  // The owner lets go inside that call, and must be told nothing afterwards.
  static void let_go_at(Recorder& who, char what, bool reset = false) {
    who.hook = [&who, what, reset](char told) {
      EXPECT_TRUE(who.socket != nullptr || told == what) << "told '" << told << "' after letting go";
      if (told != what || who.socket == nullptr) return;
      if (reset) who.socket->reset_on_close();
      who.socket.reset();
    };
  }
  void expect_gone(Recorder& who) {
    ASSERT_TRUE(run_until([&] { return who.socket == nullptr; })) << who.order;
    std::string order = who.order;
    run_for(60);
    EXPECT_EQ(who.order, order);
  }
};

TEST_F(SocketEnd, LettingGoInOnData) {
  connect();
  let_go_at(there, 'd');
  here.socket->send(pattern(100'000));
  expect_gone(there);
}

TEST_F(SocketEnd, LettingGoInOnEof) {
  connect();
  let_go_at(there, 'e');
  here.socket->finish();
  expect_gone(there);
}

TEST_F(SocketEnd, LettingGoInOnFailed) {
  connect();
  let_go_at(there, 'f');
  here.socket->reset_on_close();
  here.socket.reset();
  expect_gone(there);
}

TEST_F(SocketEnd, LettingGoInOnConnected) {
  let_go_at(here, 'c');
  here.socket = Socket::connect(loop, address, here);
  expect_gone(here);
}

TEST_F(SocketEnd, LettingGoInOnDrained) {
  connect();
  let_go_at(here, 'r');
  here.socket->finish();
  expect_gone(here);
}

TEST_F(SocketEnd, LettingGoInOnDrainedWithUnsentBytesBefore) {
  connect();
  there.socket->pause(Pause::peer_full);
  let_go_at(here, 'r');
  std::string text = pattern(8'000'000);
  here.socket->send(text);
  there.socket->pause(Pause::peer_full, false);
  expect_gone(here);
  EXPECT_TRUE(run_until([&] { return there.told('e'); }));
  EXPECT_EQ(there.data.size(), text.size());
}

// In TLS the call-back comes while ciphertext of this connection is in the buffer that all connections share.
TEST_F(SocketEnd, LettingGoInOnSecured) {
  serve("mail", "DNS:mail.example.org");
  context = server_context();
  backend = client_context();
  for (bool reset : {false, true}) {
    for (Recorder* who : {&here, &there}) {
      here = {};
      there = {};
      connect();
      let_go_at(*who, 's', reset);
      there.socket->start_tls_server(context->get());
      here.socket->start_tls_client(backend);
      expect_gone(*who);
      EXPECT_TRUE(loop.tls_io().out.empty()) << "would be sent on another connection";
      here.socket.reset();
      there.socket.reset();
      turn();
    }
  }
}

TEST_F(SocketEnd, LettingGoInOnDataOfTls) {
  secure();
  let_go_at(there, 'd');
  here.socket->send(pattern(100'000));
  expect_gone(there);
}

// T75: what is cut off must not end like what is complete, in clear text above all.
TEST_F(SocketEnd, T75_LettingGoWithUnsentBytesIsAReset) {
  connect();
  there.socket->pause(Pause::peer_full);
  here.socket->send(pattern(8'000'000));
  ASSERT_GT(here.socket->unsent(), 0u);
  here.socket.reset();
  for (int i = 0; i < 3; ++i) turn();
  EXPECT_EQ(loop.chunks().in_use(), 0u);
  there.socket->pause(Pause::peer_full, false);
  ASSERT_TRUE(run_until([&] { return there.told('e') || there.told('f'); }));
  EXPECT_FALSE(there.told('e')) << "a FIN in the middle";
}

TEST_F(SocketEnd, LettingGoWhileConnecting) {
  here.socket = Socket::connect(loop, address, here);
  here.socket.reset();
  run_for(60);
  EXPECT_EQ(here.order, "");
}

TEST_F(SocketEnd, SendingWhileConnecting) {
  here.socket = Socket::connect(loop, address, here);
  here.socket->send("early");
  EXPECT_TRUE(run_until([&] { return there.data == "early"; }));
  EXPECT_EQ(here.failure, "");
}

TEST_F(SocketEnd, ARefusedConnection) {
  int taken = socket(AF_INET, SOCK_STREAM, 0);  // bound, not listening
  Address nobody = *Address::parse("127.0.0.1", 0);
  ASSERT_EQ(bind(taken, nobody.get(), nobody.size()), 0);
  socklen_t size = Address::kSizeMax;
  getsockname(taken, nobody.data(), &size);
  here.socket = Socket::connect(loop, nobody, here);
  EXPECT_EQ(here.order, "") << "told from inside connect()";
  ASSERT_TRUE(run_until([&] { return here.told('f'); }));
  EXPECT_THAT(here.failure, HasSubstr("refused"));
  EXPECT_EQ(here.order, "f");
  close(taken);
}

TEST_F(SocketEnd, AConnectionThatCannotEvenBegin) {
  here.socket = Socket::connect(loop, Address(), here);
  EXPECT_EQ(here.order, "") << "told from inside connect()";
  ASSERT_TRUE(run_until([&] { return here.told('f'); }));
  here = {};
  here.socket = Socket::connect(loop, Address(), here);
  here.socket.reset();  // before the failure is told
  run_for(60);
  EXPECT_EQ(here.order, "");
}

// T59: a stream that breaks off without close_notify is not complete, and its owner is told so.
TEST_F(SocketEnd, T59_ATruncatedStreamIsNotClean) {
  secure();
  here.socket->pause(Pause::peer_full);
  std::string text = pattern(8'000'000);
  there.socket->send(text);
  ASSERT_GT(there.socket->unsent(), 0u);
  ::shutdown(there_fd, SHUT_WR);  // a FIN in the middle, without close_notify
  turn();
  here.socket->pause(Pause::peer_full, false);
  ASSERT_TRUE(run_until([&] { return here.told('e') || here.told('f'); }));
  EXPECT_TRUE(here.told('e')) << here.failure;
  EXPECT_FALSE(here.clean);
  EXPECT_LT(here.data.size(), text.size());
  EXPECT_TRUE(text.starts_with(here.data));
}

TEST_F(SocketEnd, AnEndInsideTheHandshakeIsAFailure) {
  serve("mail", "DNS:mail.example.org");
  context = server_context();
  connect();
  there.socket->start_tls_server(context->get());
  here.socket->send("\x16\x03\x01");
  here.socket->finish();
  ASSERT_TRUE(run_until([&] { return there.told('f'); }));
  EXPECT_EQ(there.failure, "closed during the TLS handshake");
  EXPECT_FALSE(there.told('e'));
}

TEST_F(SocketEnd, ARefusedHandshakeSendsItsAlertFirst) {
  serve("mail", "DNS:mail.example.org");
  context = server_context();
  backend = client_context("other.example.org");
  connect();
  there.socket->start_tls_server(context->get());
  here.socket->start_tls_client(backend);
  ASSERT_TRUE(run_until([&] { return here.told('f') && there.told('f'); }));
  EXPECT_THAT(here.failure, HasSubstr("CERTIFICATE_VERIFY_FAILED"));
  EXPECT_THAT(there.failure, HasSubstr("ALERT"));
  EXPECT_FALSE(here.told('s'));
}

}  // namespace
}  // namespace postigo
