// SocketFamilies over loopback, in clear text and in TLS: nothing lost with a slow reader, ends in each direction,
// resets.
#include "proxy/net/socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "tests/unit/proxy/socket_fixture.h"

namespace postigo {
namespace {

using testing::HasSubstr;

class SocketFamilies : public SocketTest, public testing::WithParamInterface<bool> {
 protected:
  void open() { GetParam() ? secure() : connect(); }
};

INSTANTIATE_TEST_SUITE_P(All, SocketFamilies, testing::Values(false, true),
                         [](const auto& each) { return each.param ? "Tls" : "ClearText"; });

TEST_P(SocketFamilies, BytesBothWays) {
  open();
  here.socket->send("a1 NOOP\r\n");
  ASSERT_TRUE(run_until([&] { return there.data == "a1 NOOP\r\n"; }));
  there.socket->send("a1 OK\r\n");
  ASSERT_TRUE(run_until([&] { return here.data == "a1 OK\r\n"; }));
  EXPECT_EQ(here.socket->peer().text(), address.text());
  EXPECT_EQ(there.socket->peer().text(), here.socket->local().text());
  EXPECT_EQ(loop.chunks().in_use(), 0u) << "an idle socket holds nothing";
}

TEST_P(SocketFamilies, ManyPartsInOneCall) {
  open();
  std::string expected;
  std::vector<std::string> texts;
  for (int i = 0; i < 100; ++i) texts.push_back(i % 7 == 0 ? "" : std::to_string(i) + ",");
  std::vector<Bytes> parts(texts.begin(), texts.end());
  for (Bytes part : parts) expected += part;
  here.socket->send(parts);
  here.socket->send("");
  ASSERT_TRUE(run_until([&] { return there.data.size() >= expected.size(); }));
  EXPECT_EQ(there.data, expected);
}

// Back-pressure: what the peer does not take waits in chunks, in order, and on_drained says when it is gone.
TEST_P(SocketFamilies, T60_ASlowReaderGetsEverythingInOrder) {
  open();
  there.socket->pause(Pause::peer_full);
  std::string text = pattern(12'000'000);
  here.order.clear();
  for (size_t at = 0; at < text.size(); at += 250'000) here.socket->send(Bytes(text).substr(at, 250'000));
  size_t waiting = here.socket->unsent();
  EXPECT_GT(waiting, 0u);
  EXPECT_GE(loop.chunks().in_use() * Chunk::kSize, waiting);
  run_for(100);
  EXPECT_EQ(there.data, "");
  EXPECT_FALSE(here.told('r'));
  bool on = false;
  there.hook = [&](char) {
    if (there.data.size() % 3 == 0) there.socket->pause(Pause::peer_full, on = !on);  // stutters
  };
  ASSERT_TRUE(run_until([&] {
    if (there.socket) there.socket->pause(Pause::peer_full, on = false);
    return there.data.size() == text.size();
  }));
  EXPECT_TRUE(there.data == text);
  ASSERT_TRUE(run_until([&] { return here.told('r'); }));
  EXPECT_EQ(here.socket->unsent(), 0u);
  EXPECT_EQ(loop.chunks().in_use(), 0u);
  // Before decryption: with TLS a call may complete a record that began in the last one.
  EXPECT_LE(there.largest, GetParam() ? 32u * 1024 : 16u * 1024);
}

// tcpi_segs_in of TCP_INFO; libc's structure ends before it.
uint32_t segments_received(int fd) {
  std::array<char, 256> info{};
  socklen_t size = info.size();
  getsockopt(fd, IPPROTO_TCP, TCP_INFO, info.data(), &size);
  uint32_t segments = 0;
  std::memcpy(&segments, info.data() + 140, sizeof(segments));
  return segments;
}

// What is sent with more to come, and the end behind it, share a segment.
TEST_F(SocketTest, TheLastWordsShareASegmentWithTheEnd) {
  auto segments_of_a_farewell = [&](bool more) {
    int raw = ::socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(::connect(raw, address.get(), address.size()), 0);
    there = {};
    EXPECT_TRUE(run_until([&] { return there.socket != nullptr; }));
    uint32_t before = segments_received(raw);
    Bytes bye = "* BYE\r\n";
    there.socket->send({&bye, 1}, more);
    there.socket->finish();
    EXPECT_TRUE(run_until([&] { return there.told('r'); }));
    uint32_t after = segments_received(raw);
    ::close(raw);
    return after - before;
  };
  EXPECT_EQ(segments_of_a_farewell(false), 2u);
  EXPECT_EQ(segments_of_a_farewell(true), 1u);
}

TEST_P(SocketFamilies, T58_EachDirectionEndsForItself) {
  open();
  here.socket->send("QUIT\r\n");
  here.socket->finish();
  ASSERT_TRUE(run_until([&] { return there.told('e'); }));
  EXPECT_EQ(there.data, "QUIT\r\n");
  EXPECT_TRUE(there.clean);
  EXPECT_TRUE(there.socket->ended());
  ASSERT_TRUE(run_until([&] { return here.socket->finished(); }));
  here.socket->send("too late");
  there.socket->send("+OK bye\r\n");
  there.socket->finish();
  ASSERT_TRUE(run_until([&] { return here.told('e'); }));
  EXPECT_EQ(here.data, "+OK bye\r\n");
  EXPECT_TRUE(here.clean);
  EXPECT_EQ(there.data, "QUIT\r\n");
  EXPECT_EQ(here.failure + there.failure, "");
}

TEST_P(SocketFamilies, FinishComesBehindWhatIsUnsent) {
  open();
  there.socket->pause(Pause::peer_full);
  std::string text = pattern(8'000'000);
  here.socket->send(text);
  here.socket->finish();
  here.socket->finish();
  EXPECT_GT(here.socket->unsent(), 0u);
  EXPECT_FALSE(here.socket->finished());
  run_for(60);
  there.socket->pause(Pause::peer_full, false);
  ASSERT_TRUE(run_until([&] { return there.told('e'); }));
  EXPECT_TRUE(there.data == text);
  EXPECT_TRUE(there.clean);
  EXPECT_TRUE(run_until([&] { return here.socket->finished(); }));
}

TEST_P(SocketFamilies, AResetIsAFailure) {
  open();
  here.socket->reset_on_close();
  here.socket.reset();
  ASSERT_TRUE(run_until([&] { return there.told('f'); }));
  EXPECT_THAT(there.failure, HasSubstr("reset"));
  EXPECT_FALSE(there.told('e')) << "a reset must not look like an end";
}

TEST_P(SocketFamilies, LettingGoIsACleanEndForThePeer) {
  open();
  here.socket.reset();
  ASSERT_TRUE(run_until([&] { return there.told('e'); }));
  EXPECT_TRUE(there.clean);
}

TEST_P(SocketFamilies, SendingToTheGoneFailsOnALaterTurn) {
  open();
  there.socket->reset_on_close();
  there.socket.reset();
  for (int i = 0; i < 3; ++i) turn();
  here.order.clear();
  here.failure.clear();
  for (int i = 0; i < 5; ++i) {
    here.socket->send("a1 NOOP\r\n");
    ASSERT_EQ(here.order, "") << "told from inside send()";
  }
  EXPECT_EQ(here.socket->unsent(), 0u);
}

TEST_P(SocketFamilies, AFailedWriteIsToldOnceOnALaterTurn) {
  open();
  here.socket->pause(Pause::peer_full);  // so that only writing can notice
  there.socket->reset_on_close();
  there.socket.reset();
  for (int i = 0; i < 5; ++i) {
    here.socket->send("a1 NOOP\r\n");
    ASSERT_FALSE(here.told('b')) << "told from inside send()";
  }
  ASSERT_TRUE(run_until([&] { return here.told('b'); }));
  EXPECT_THAT(here.ending, HasSubstr("reset"));
  run_for(60);
  EXPECT_EQ(std::count(here.order.begin(), here.order.end(), 'b'), 1);
  here.socket->pause(Pause::peer_full, false);
  ASSERT_TRUE(run_until([&] { return here.told('f'); }));
  run_for(60);
  EXPECT_EQ(std::count(here.order.begin(), here.order.end(), 'f'), 1);
  EXPECT_THAT(here.failure, HasSubstr("reset"));
}

TEST_P(SocketFamilies, APeerThatVanishesUnderUnsentBytes) {
  open();
  there.socket->pause(Pause::peer_full);
  here.socket->send(pattern(8'000'000));
  EXPECT_GT(here.socket->unsent(), 0u);
  there.socket->reset_on_close();
  there.socket.reset();
  ASSERT_TRUE(run_until([&] { return here.told('f'); }));
  run_for(60);
  EXPECT_EQ(std::count(here.order.begin(), here.order.end(), 'f'), 1);
}

TEST_P(SocketFamilies, TheReadSizeCanGrow) {
  open();
  there.socket->pause(Pause::peer_full);
  there.socket->set_read_size(Loop::kReceiveSize);
  here.socket->send(pattern(2'000'000));
  run_for(60);
  there.socket->pause(Pause::peer_full, false);
  ASSERT_TRUE(run_until([&] { return there.data.size() == 2'000'000; }));
  EXPECT_GT(there.largest, 16u * 1024);
  EXPECT_LE(there.largest, Loop::kPlainSize);
}

TEST_P(SocketFamilies, ANewOwnerHearsTheRest) {
  open();
  Recorder relay;
  there.socket->set_owner(relay);
  here.socket->send("x");
  ASSERT_TRUE(run_until([&] { return relay.data == "x"; }));
  EXPECT_EQ(there.data, "");
}

// RFC 9051 6.2.1: what came along with STARTTLS is the beginning of TLS; or it is refused, by TLS.
TEST_F(SocketTest, T27_TlsMayHaveBegunInTheClearTextsSegment) {
  serve("mail", "DNS:mail.example.org");
  context = server_context();
  backend = client_context();
  connect();
  here.socket->send("STARTTLS\r\n");
  here.socket->start_tls_client(backend);  // its first octets share the segment
  const size_t command = 10;
  there.hook = [&](char what) {
    if (what != 'd' || there.socket->tls() != nullptr) return;
    there.socket->start_tls_server(context->get(), Bytes(there.data).substr(command));
    there.data.clear();
  };
  ASSERT_TRUE(run_until([&] { return here.told('s') && there.told('s'); })) << here.failure << there.failure;
  here.socket->send("hello");
  ASSERT_TRUE(run_until([&] { return there.data == "hello"; }));
}

TEST_F(SocketTest, A1_WhatIsNoTlsIsRefusedAndNothingCompletesInsideTheCall) {
  serve("mail", "DNS:mail.example.org");
  context = server_context();
  connect();
  there.socket->start_tls_server(context->get(), "a LOGIN alice secret\r\n");
  EXPECT_EQ(there.order, "");
  ASSERT_TRUE(run_until([&] { return there.told('f'); }));
  EXPECT_FALSE(there.told('d'));
}

}  // namespace
}  // namespace postigo
