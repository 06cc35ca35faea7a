// Workers on real loopback, between clients and backends that the test plays (peers.h). At the end every worker must
// have closed every handle.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "proxy/control/doors.h"
#include "proxy/worker.h"
#include "tests/unit/proxy/log_file.h"
#include "tests/unit/proxy/one_backend.h"
#include "tests/unit/proxy/peers.h"

namespace postigo {

// Words of most of its tests.
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::EndsWith;
using testing::HasSubstr;

class WorkerTest : public testing::Test {
 protected:
  WorkerTest() {
    config.live.listeners = {clear_listener("imap", imap.number()), clear_listener("pop3", pop3.number())};
    config.live.limits.auth_failure_delay_ms = 10;
    config.live.limits.close_timeout_ms = 1000;
  }
  ~WorkerTest() override { stop(); }

  void make(unsigned count) {
    config::Problems problems;
    snapshot = Snapshot::make(config, lasting, problems);
    ASSERT_NE(snapshot, nullptr) << to_string(problems.at(0));
    ASSERT_TRUE(snapshot->open_directories(problems));
    shared = std::make_unique<Shared>(config, 1, lasting.fleet);
    shared->sessions_max = sessions_max;
    shared->places.open(sessions_max, config.live.limits.backend_logins_max);
    shared->login_memory_max = config.live.limits.login_memory / count;
    auto doors = Doors(count).open(config.live.listeners);
    ASSERT_TRUE(doors.has_value()) << doors.error().message;
    shared->published.set(snapshot);
    for (unsigned i = 0; i < count; ++i) {
      workers.push_back(std::make_unique<Worker>(*shared, snapshot));
      workers.back()->listen(std::move(doors->handouts[i]));
    }
  }
  void start(unsigned count = 2) {
    make(count);
    launch();
  }
  void launch() {
    config::Problems problems;
    ASSERT_TRUE(snapshot->open_directories(problems)) << to_string(problems.at(0));
    for (auto& worker : workers) worker->start();
    running = true;
  }
  void stop() {
    if (std::exchange(running, false)) {
      for (auto& worker : workers) worker->stop();
      for (auto& worker : workers) {
        worker->join();
        EXPECT_EQ(worker->loop_result(), 0) << "a handle was left open";
      }
    }
    if (shared) {
      EXPECT_EQ(shared->sessions, 0);
    }
    for (auto& worker : workers) {
      for (size_t i = 0; i < kPhases; ++i) EXPECT_EQ(worker->stats().sessions[i].get(), 0u) << kPhaseNames[i];
      for (size_t i = 0; i < lasting.fleet.backends(); ++i) {
        EXPECT_EQ(worker->stats().backends[i].sessions.get(), 0u) << i;
      }
    }
  }

  // A client that is logged in through IMAP, and the backend that serves him.
  std::pair<Peer, Peer> relayed() {
    Peer client = Peer::to(imap.number());
    client.hear("* OK");
    client.say("a1 LOGIN alice secret\r\n");
    Peer backend = serve_login();
    client.hear("a1 OK");
    return {std::move(client), std::move(backend)};
  }
  // The same, and he has heard half of the mail that he asked for.
  std::pair<Peer, Peer> halfway() {
    auto [client, backend] = relayed();
    client.say("a2 FETCH 1 BODY[]\r\n");
    backend.hear("FETCH");
    backend.say("* 1 FETCH (BODY[] {1000}\r\nhalf of it");
    client.hear("{1000}");
    return {std::move(client), std::move(backend)};
  }
  // The same as relayed(), through POP3.
  std::pair<Peer, Peer> relayed_pop3() {
    Peer client = Peer::to(pop3.number());
    client.hear("+OK");
    client.say("USER alice\r\nPASS secret\r\n");
    Peer backend = backends.accept();
    backend.say("+OK ready\r\n");
    EXPECT_EQ(backend.hear("\r\n"), "USER alice\r\n");
    backend.say("+OK\r\n");
    EXPECT_EQ(backend.hear("\r\n"), "PASS secret\r\n");
    backend.say("+OK in\r\n");
    client.hear("Logged in");
    return {std::move(client), std::move(backend)};
  }
  // The backend's part of one IMAP login.
  Peer serve_login() {
    Peer backend = backends.accept();
    backend.say("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n");
    std::string command = backend.hear("\r\n");
    backend.say(command.substr(0, command.find(' ')) + " OK [CAPABILITY IMAP4rev1 IDLE] in\r\n");
    return backend;
  }

  // Sum over the workers of what `pick` finds.
  template <typename Pick>
  uint64_t total(Pick pick) const {
    uint64_t sum = 0;
    for (const auto& worker : workers) sum += pick(worker->stats());
    return sum;
  }
  uint64_t in_phase(Phase phase) const {
    return total([phase](const WorkerStats& stats) { return stats.sessions[static_cast<size_t>(phase)].get(); });
  }
  uint64_t closed(CloseReason reason) const {
    return total([reason](const WorkerStats& stats) {
      return stats.protocols[0].closed[static_cast<size_t>(reason)].get() +
             stats.protocols[1].closed[static_cast<size_t>(reason)].get();
    });
  }
  int64_t logins_at(const std::string& backend) { return (*lasting.fleet.backend(backend))->logins; }
  template <typename Done>
  static bool eventually(Done done) {
    for (int i = 0; i < 1000; ++i) {
      if (done()) return true;
      std::this_thread::sleep_for(milliseconds(10));
    }
    return false;
  }

  LogFile log;
  Port imap{false}, pop3{false}, backends{true};
  config::Config config = one_backend(backends.number());
  int64_t sessions_max = 1000;
  Lasting lasting{std::make_shared<TicketKeys>(3600'000), {}, {}, {}};
  std::shared_ptr<Snapshot> snapshot;
  std::unique_ptr<Shared> shared;
  std::vector<std::unique_ptr<Worker>> workers;
  bool running = false;
};

}  // namespace postigo
