// A backend is removed while a login at it is under way: the login ends under the old terms, what it leads to does not
// outlive the removal.
#include "tests/unit/proxy/worker_fixture.h"

namespace postigo {
namespace {

class WorkerRemoved : public WorkerTest {
 protected:
  // From now on another one serves, in the place of the first.
  void remove_first() {
    config.live.backends[0].name = "b2";
    config.live.pools[0].shards[0] = {"b2", 1.0, {"b2"}};
    config.live.leaving.remove_time_ms = 300;
    config::Problems problems;
    snapshot = Snapshot::make(config, lasting, problems);
    ASSERT_NE(snapshot, nullptr);
    ASSERT_TRUE(snapshot->open_directories(problems));
    for (auto& worker : workers) {
      worker->make_room();
      worker->exchange(snapshot, {});
    }
    std::this_thread::sleep_for(milliseconds(100));
  }
  // Logs in at a backend that is removed before it has answered.
  std::pair<Peer, Peer> late() {
    Peer client = Peer::to(imap.number());
    client.hear("* OK");
    client.say("a1 LOGIN alice secret\r\n");
    Peer backend = backends.accept();
    remove_first();
    backend.say("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n");
    std::string command = backend.hear("\r\n");
    backend.say(command.substr(0, command.find(' ')) + " OK [CAPABILITY IMAP4rev1 IDLE] in\r\n");
    EXPECT_THAT(client.hear("a1 OK"), HasSubstr("a1 OK"));
    return {std::move(client), std::move(backend)};
  }
};

TEST_F(WorkerRemoved, DrainCountsForThoseWhoComeLate) {
  config.live.backends[0].on_remove = config::OnRemove::drain;
  start(1);
  auto [client, backend] = late();
  EXPECT_THAT(client.hear_to_the_end(), HasSubstr("* BYE"));
  client.close();
  EXPECT_TRUE(eventually([&] { return closed(CloseReason::backend_removed) == 1; }));
}

TEST_F(WorkerRemoved, KeepCountsForThemToo) {
  start(1);
  auto [client, backend] = late();
  std::this_thread::sleep_for(milliseconds(800));
  client.say("a2 NOOP\r\n");
  EXPECT_THAT(backend.hear("NOOP\r\n"), HasSubstr("a2 NOOP"));
}

}  // namespace
}  // namespace postigo
