// What goes from a process to its successor, over a real socket pair.
#include "proxy/control/estate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "proxy/control/doors.h"
#include "proxy/control/link.h"
#include "proxy/net/listener.h"

namespace postigo {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class EstateTest : public testing::Test {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    ours = Descriptor(ends[0]);
    theirs = Descriptor(ends[1]);
    timeval patience{1, 0};
    setsockopt(theirs.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  }
  static Descriptor listening() {
    auto fd = Listener::bind(*Address::parse("127.0.0.1", 0), false);
    EXPECT_TRUE(fd.has_value());
    return Descriptor(*fd);
  }
  // One packet with this file in memory and nothing else.
  void say(const std::vector<uint8_t>& text) {
    Descriptor file(memfd_create("test", MFD_CLOEXEC));
    ASSERT_EQ(::write(file.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    char octet = 'E';
    iovec part{&octet, 1};
    alignas(cmsghdr) char room[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = room;
    message.msg_controllen = sizeof(room);
    cmsghdr* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    int fd = file.get();
    std::memcpy(CMSG_DATA(head), &fd, sizeof(fd));
    ASSERT_EQ(sendmsg(ours.get(), &message, 0), 1);
  }

  Descriptor ours, theirs;
};

TEST_F(EstateTest, AllOfItArrives) {
  Estate estate;
  for (int i = 0; i < 3; ++i) {
    Descriptor socket = listening();
    std::string name = name_of_socket(socket.get());
    estate.sockets[name].push_back(socket.copy());
    estate.sockets[name].push_back(std::move(socket));
  }
  TicketKeys keys(3600'000);
  keys.current();
  estate.keys = keys.all();
  estate.names["front"] = {"127.0.0.1:143"};
  estate.orders = R"({"backends": {}})";
  estate.penalties = std::string("a\0b", 3);
  estate.key = SipKey{1, ~uint64_t{0}};
  estate.services = {{"_imap._tcp.test", {{10, 5, 143, "a.test"}, {20, 0, 1143, "b.test"}}}};
  auto link = Link::pair();
  ASSERT_TRUE(link.has_value());
  estate.links.push_back(link->first.copy());
  estate.links.push_back(link->second.copy());
  ASSERT_TRUE(send_estate(ours.get(), estate).has_value());
  auto got = receive_estate(theirs.get());
  ASSERT_TRUE(got.has_value()) << got.error().message;
  ASSERT_THAT(got->sockets, SizeIs(3));
  for (const auto& [name, sockets] : got->sockets) {
    EXPECT_THAT(sockets, SizeIs(2));
    EXPECT_TRUE(estate.sockets.contains(name)) << name;
  }
  ASSERT_THAT(got->keys, SizeIs(1));
  EXPECT_EQ(got->keys[0].secret, estate.keys[0].secret);
  EXPECT_EQ(got->keys[0].born_ms, estate.keys[0].born_ms);
  EXPECT_THAT(got->names["front"], ElementsAre("127.0.0.1:143"));
  EXPECT_EQ(got->orders, estate.orders);
  EXPECT_EQ(got->penalties, estate.penalties);
  EXPECT_EQ(got->services, estate.services);
  ASSERT_TRUE(got->key.has_value());
  EXPECT_EQ(got->key->k0, 1U);
  EXPECT_EQ(got->key->k1, ~uint64_t{0});
  ASSERT_THAT(got->links, SizeIs(2));
  EXPECT_EQ(::send(got->links[0].get(), "x", 1, 0), 1) << "they are the ends that were given";
  char octet = 0;
  EXPECT_EQ(::recv(link->second.get(), &octet, 1, MSG_DONTWAIT), 1);
}

TEST_F(EstateTest, MoreSocketsThanAPacketHolds) {
  Estate estate;
  Descriptor socket = listening();
  auto& copies = estate.sockets[name_of_socket(socket.get())];
  for (int i = 0; i < 700; ++i) copies.push_back(socket.copy());
  ASSERT_TRUE(send_estate(ours.get(), estate).has_value());
  auto got = receive_estate(theirs.get());
  ASSERT_TRUE(got.has_value()) << got.error().message;
  EXPECT_THAT(got->sockets.begin()->second, SizeIs(700));
}

TEST_F(EstateTest, APredecessorThatEndsOrIsSilent) {
  auto silent = receive_estate(theirs.get());
  ASSERT_FALSE(silent.has_value());
  EXPECT_THAT(silent.error().message, HasSubstr("the estate: receiving it: "));
  ours = Descriptor();
  auto gone = receive_estate(theirs.get());
  ASSERT_FALSE(gone.has_value());
  EXPECT_THAT(gone.error().message, HasSubstr("it was cut off"));
}

TEST_F(EstateTest, WhatAnotherVersionMayHaveWritten) {
  using nlohmann::json;
  const std::vector<json> strange = {
      json::array(),
      {{"sockets", -1}},
      {{"sockets", "many"}},
      {{"sockets", 0}, {"keys", {{{"name", "text"}}}}},
      {{"sockets", 0}, {"keys", 7}, {"orders", 3}},
      {{"sockets", 0}, {"names", {{"a", 1}}}},
      {{"sockets", 0}, {"penalties", 5}},
      {{"sockets", 0}, {"key", "text"}},
  };
  for (const json& each : strange) {
    say(json::to_cbor(each));
    auto got = receive_estate(theirs.get());
    EXPECT_FALSE(got.has_value()) << each;
  }
  say({0xff, 0x00, 0x12});
  EXPECT_FALSE(receive_estate(theirs.get()).has_value());
  say({});
  EXPECT_FALSE(receive_estate(theirs.get()).has_value());
  json odd = {{"name", json::binary({1, 2})}, {"secret", json::binary({3})}, {"born_ms", 1}};
  say(json::to_cbor({{"sockets", 0}, {"keys", json::array({odd})}, {"from_the_future", true}}));
  auto got = receive_estate(theirs.get());
  ASSERT_TRUE(got.has_value()) << got.error().message;
  EXPECT_THAT(got->sockets, IsEmpty());
  EXPECT_THAT(got->keys, IsEmpty()) << "a key of another size is none, and not one of zeros";
}

TEST_F(EstateTest, ASuccessorThatTakesNothingIsAnErrorAtOnce) {
  int small = 1;
  setsockopt(ours.get(), SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
  Estate estate;
  Descriptor socket = listening();
  auto& copies = estate.sockets[name_of_socket(socket.get())];
  for (int i = 0; i < 3000; ++i) copies.push_back(socket.copy());
  auto sent = send_estate(ours.get(), estate);
  ASSERT_FALSE(sent.has_value());
  EXPECT_THAT(sent.error().message, HasSubstr("sending it"));
}

// Each socket has a queue of its own: none without a worker, no worker without one.
TEST(DoorsTest, InheritedSocketsAreSpreadOverAllWorkers) {
  for (size_t sockets : {1U, 2U, 5U}) {
    for (size_t workers : {1U, 2U, 3U}) {
      auto first = Listener::bind(*Address::parse("127.0.0.1", 0), false);
      ASSERT_TRUE(first.has_value());
      Descriptor socket(*first);
      std::string name = name_of_socket(socket.get());
      Sockets inherited;
      for (size_t i = 0; i < sockets; ++i) inherited[name].push_back(socket.copy());
      Doors doors(workers, std::move(inherited));
      config::Listener listener;
      listener.addresses = {{"127.0.0.1", Address::parse("127.0.0.1", 0)->port()}};
      listener.addresses[0].port = static_cast<uint16_t>(std::stoi(name.substr(name.rfind(':') + 1)));
      auto opening = doors.open({listener});
      ASSERT_TRUE(opening.has_value()) << opening.error().message;
      size_t handed = 0;
      for (Handout& each : opening->handouts) {
        EXPECT_FALSE(each[name].empty());
        handed += each[name].size();
      }
      EXPECT_EQ(handed, std::max(sockets, workers));
      doors.use({listener}, std::move(opening->fresh));
      EXPECT_THAT(doors.forget_inherited(), IsEmpty());
      EXPECT_THAT(doors.copies().at(name), SizeIs(sockets));
    }
  }
}

TEST(DoorsTest, WhatNobodyHasAUseForIsNamed) {
  Descriptor socket(*Listener::bind(*Address::parse("127.0.0.1", 0), false));
  std::string name = name_of_socket(socket.get());
  Sockets inherited;
  inherited[name].push_back(std::move(socket));
  Doors doors(1, std::move(inherited));
  EXPECT_THAT(doors.forget_inherited(), ElementsAre(name));
}

}  // namespace
}  // namespace postigo
