// Draining: relays of now go one by one where that cuts nothing, who comes later is served, and it can be taken back.
#include "tests/unit/proxy/worker_fixture.h"

namespace postigo {
namespace {

class WorkerDrain : public WorkerTest {
 protected:
  void drain(uint64_t over_ms) {
    for (auto& worker : workers) worker->drain(over_ms);
  }
  bool still_relayed(Peer& client, Peer& backend) {
    client.say("a9 NOOP\r\n");
    if (backend.hear("\r\n") != "a9 NOOP\r\n") return false;
    backend.say("a9 OK\r\n");
    return client.hear("\r\n") == "a9 OK\r\n";
  }
};

TEST_F(WorkerDrain, ThoseOfNowGoAndNewOnesAreServed) {
  start();
  auto [old, old_backend] = relayed();
  Peer before_login = Peer::to(imap.number());
  before_login.hear("* OK");
  drain(0);
  EXPECT_THAT(old.hear_to_the_end(), testing::StartsWith("* BYE"));
  EXPECT_EQ(old_backend.hear_to_the_end(), "");
  before_login.say("n NOOP\r\n");
  EXPECT_THAT(before_login.hear("\r\n"), HasSubstr("n OK"));
  auto [fresh, fresh_backend] = relayed();
  EXPECT_TRUE(still_relayed(fresh, fresh_backend));
  old.close();
  EXPECT_TRUE(eventually([&] { return closed(CloseReason::shutting_down) == 1; }));
}

TEST_F(WorkerDrain, ItCanBeTakenBack) {
  start();
  auto [client, backend] = relayed();
  drain(600);
  for (auto& worker : workers) worker->undrain();
  std::this_thread::sleep_for(milliseconds(800));
  EXPECT_TRUE(still_relayed(client, backend));
}

TEST_F(WorkerDrain, T46_WhoIsInTheMiddleOfAResponseGoesBehindIt) {
  start();
  auto [client, backend] = halfway();
  drain(0);
  std::this_thread::sleep_for(milliseconds(100));
  backend.say(std::string(1000 - 10, 'x') + ")\r\n");
  EXPECT_THAT(client.hear_to_the_end(), HasSubstr("xxx)\r\n* BYE "));
}

TEST_F(WorkerDrain, WhoSaidLogoutHearsThatItWasDone) {
  start();
  auto [client, backend] = relayed();
  client.say("a2 LOGOUT\r\n");
  backend.hear("LOGOUT");
  drain(0);
  std::this_thread::sleep_for(milliseconds(100));
  backend.say("* BYE\r\na2 OK\r\n");
  backend.close();
  EXPECT_EQ(client.hear_to_the_end(), "* BYE\r\na2 OK\r\n");
  client.close();
  EXPECT_TRUE(eventually([&] { return closed(CloseReason::logout) == 1; }));
}

// More than are visited in one turn; T66: all that were accepted are closed.
TEST_F(WorkerDrain, T66_ManyAreToldInTurns) {
  start();
  std::vector<Peer> clients;
  for (int i = 0; i < 300; ++i) {
    clients.push_back(Peer::to(imap.number()));
    clients.back().hear("* OK");
  }
  for (auto& worker : workers) worker->end(60'000);
  for (Peer& client : clients) EXPECT_THAT(client.hear_to_the_end(), testing::StartsWith("* BYE"));
  clients.clear();
  for (auto& worker : workers) EXPECT_TRUE(eventually([&] { return !worker->running(); })) << "nobody is left";
  EXPECT_EQ(closed(CloseReason::shutting_down), 300u);
}

}  // namespace
}  // namespace postigo
