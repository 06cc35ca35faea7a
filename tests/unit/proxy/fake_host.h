// A host for sessions without a worker: the test's own loop, a directory that says what it is told to, and a client on
// the other end of a socket pair. Nothing happens but in the turns that the test makes.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "backends/ledger/ledger.h"
#include "backends/ledger/penalty.h"
#include "backends/ledger/seat_table.h"
#include "parser/base/base64.h"
#include "proxy/session/host.h"
#include "proxy/session/ready_pool.h"
#include "proxy/session/roll.h"
#include "proxy/session/session.h"
#include "tests/unit/proxy/loop_fixture.h"
#include "tests/unit/proxy/one_backend.h"
#include "tests/unit/proxy/peers.h"

namespace postigo {

// Answers each question with `answer`; while it is silent, when it is told to speak.
class FakeDirectory final : public Directory {
 public:
  explicit FakeDirectory(Loop& loop) : loop_(loop) {}
  std::string_view name() const override { return "fake"; }
  void start(Lookup& lookup, const Query& query) override {
    asked.push_back(query.user);
    wants.push_back(query.want);
    circumstances.push_back(query.circumstances);
    auto question = std::make_shared<Question>(&lookup, query.want == Want::account);
    lookup.hold(Ticket(question));
    pending_.push_back(std::move(question));
    if (!silent) loop_.defer([this] { speak(); });
  }
  void speak() {
    for (const auto& question : std::exchange(pending_, {})) {
      if (question->lookup != nullptr) question->lookup->finish(question->account && other ? *other : answer);
    }
  }

  LookupResult answer;
  std::optional<LookupResult> other;  // about an account; nothing: as any other
  bool silent = false;
  std::vector<std::string> asked;
  std::vector<Want> wants;
  std::vector<std::shared_ptr<const Circumstances>> circumstances;

 private:
  struct Question final : Ticket::Operation {
    Question(Lookup* from, bool about_account) : lookup(from), account(about_account) {}
    void cancel() override { lookup = nullptr; }
    Lookup* lookup;
    bool account;
  };

  Loop& loop_;
  std::vector<std::shared_ptr<Question>> pending_;
};

class FakeHost final : public Host {
 public:
  // `bonds`: null: its own.
  FakeHost(Loop& loop, Lasting& lasting, std::shared_ptr<const Snapshot> snapshot, Bonds* bonds = nullptr)
      : Host({loop, numbers_, memory_, lasting.fleet, places_, traces_, bonds != nullptr ? *bonds : ledger_.affinity,
              ledger_.moves, ledger_.holds, penalties_, limiter_, ceiling_, ready_}),
        directory_(loop),
        memory_(loop, numbers_.login_bytes, 1 << 20),
        resolver_(std::make_unique<Resolver>(loop, snapshot->live.resolver)),
        snapshot_(std::move(snapshot)),
        ready_(*this),
        roll_(loop) {
    numbers_.listeners.grow(lasting.fleet.listeners());
    numbers_.backends.grow(lasting.fleet.backends());
    places_.open(100, 100);
    places_.set_ready_max(10);
    ready_.exchanged();
  }

  const std::shared_ptr<const Snapshot>& snapshot() const override { return snapshot_; }
  Resolver& resolver() override { return *resolver_; }
  FakeDirectory& directory() override { return directory_; }
  const std::shared_ptr<Policy>& policy() override { return policy_; }
  SessionId next_session_id() override { return SessionId(fmt::format("{:016x}", ++ids_)); }
  std::string next_nonce() override { return "00000000"; }
  bool take_refusal() override { return true; }
  void give_refusal() override {}
  bool stopping() const override { return false; }
  void retire(Session& session) override {
    ended.push_back(session.summary().reason);
    roll_.remove(session);
  }

  Session& make() {
    return roll_.add(std::make_unique<Session>(*this, snapshot_->frontends.at(0), false, roll_.next_number()));
  }
  Roll& roll() { return roll_; }
  Penalties& penalties() { return penalties_; }
  Ledger& ledger() { return ledger_; }
  void exchange(std::shared_ptr<const Snapshot> snapshot) {
    snapshot_ = std::move(snapshot);
    ready().exchanged();
  }

  std::vector<CloseReason> ended;

 private:
  WorkerStats numbers_;
  FakeDirectory directory_;
  LoginMemory memory_;
  Places places_;
  Traces traces_;
  std::shared_ptr<Policy> policy_;
  Ledger ledger_{1'000, {1, 2}, [] { return uv_hrtime() / 1'000'000; }};
  Penalties penalties_{1'000, {1, 2}};
  SeatTable seats_{{1, 2}};
  Limiter limiter_{seats_, {1, 2}};
  MemoryCeiling ceiling_;
  std::unique_ptr<Resolver> resolver_;
  std::shared_ptr<const Snapshot> snapshot_;
  ReadyPool ready_;
  Roll roll_;
  uint64_t ids_ = 0;
};

// The client's end of a session's socket. Nothing here waits.
class NearClient {
 public:
  explicit NearClient(int fd) : fd_(fd) {}
  NearClient(NearClient&& other) noexcept : fd_(std::exchange(other.fd_, -1)), got_(std::move(other.got_)) {}
  ~NearClient() { leave(); }

  void say(const std::string& text) { EXPECT_EQ(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL), ssize(text)); }
  void leave() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  bool has_heard(const std::string& text) {
    char octets[4096];
    for (ssize_t count; (count = ::recv(fd_, octets, sizeof(octets), MSG_DONTWAIT)) > 0;) {
      got_.append(octets, static_cast<size_t>(count));
    }
    return got_.find(text) != std::string::npos;
  }
  std::string take() { return std::exchange(got_, {}); }

 private:
  int fd_;
  std::string got_;
};

class HostTest : public LoopTest {
 protected:
  HostTest() {
    config.live.listeners.push_back(clear_listener("imap", 143));
    config.live.limits.auth_failure_delay_ms = 0;
  }

  void open() {
    config::Problems problems;
    auto made = Snapshot::make(config, lasting, problems);
    ASSERT_NE(made, nullptr) << to_string(problems.at(0));
    host = std::make_unique<FakeHost>(loop, lasting, made, bonds);
  }
  // A session and the client's end of it. What the client says is heard in the loop's next turns.
  std::pair<Session*, NearClient> connected() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    Session& session = host->make();
    session.accept(ends[0], *Address::parse("192.0.2.7", 4711));
    session.begin();
    return {&session, NearClient(ends[1])};
  }
  // Turns the loop until the client has heard `text`; all that it heard since it was last asked.
  std::string hears(NearClient& client, const std::string& text) {
    EXPECT_TRUE(run_until([&] { return client.has_heard(text); })) << text;
    return client.take();
  }

  // What the backend is told to log in with.
  std::string plain_at_backend(NearClient& client, Session& session) {
    EXPECT_TRUE(run_until([&] { return session.phase() == Phase::backend_login; })) << hears(client, "\r\n");
    Peer backend = port.accept();
    backend.say("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n");
    turn();
    std::string command = backend.hear("\r\n");
    std::string base64 = command.substr(command.rfind(' ') + 1);
    std::string text(base64_decode(base64.substr(0, base64.find('\r')))->reveal());
    std::replace(text.begin(), text.end(), '\0', '|');
    return text;
  }

  void TearDown() override {
    host->ready().close();
    host->roll().each_now([](Session& session) { session.abort(CloseReason::shutting_down); });
    turn();
    host.reset();
    LoopTest::TearDown();
  }

  Port port{true};  // where the backend would be
  config::Config config = one_backend(port.number());
  Bonds* bonds = nullptr;  // of the host; null: its own
  Lasting lasting{std::make_shared<TicketKeys>(3600'000), {}, {}, {}};
  std::unique_ptr<FakeHost> host;
};

}  // namespace postigo
