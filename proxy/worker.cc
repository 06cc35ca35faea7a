// Listening, accepting, counting and stopping. Not here: what a session does (session/), what is counted where.
#include "proxy/worker.h"

#include <fmt/format.h>
#include <openssl/rand.h>

#include "backends/directory/factory.h"
#include "parser/base/ascii.h"
#include "proxy/base/events.h"
#include "proxy/session/policy.h"
#include "proxy/session/relay.h"

namespace postigo {
namespace {

uint64_t random_id() {
  uint64_t id = 0;
  RAND_bytes(reinterpret_cast<uint8_t*>(&id), sizeof(id));
  return id;
}

}  // namespace

struct Worker::Door final : Listener::Owner {
  Door(Worker& in, std::shared_ptr<const Frontend> of) : worker(in), frontend(std::move(of)) {}
  void on_accepted(Listener&, int fd, const Address& peer) override { worker.accept(frontend, fd, peer); }

  Worker& worker;
  std::shared_ptr<const Frontend> frontend;
  std::vector<Listener::Ptr> listeners;
};

Worker::Worker(Shared& shared, std::shared_ptr<const Snapshot> snapshot)
    : Host({loop_, stats_, login_memory_, shared.fleet, shared.places, shared.traces, shared.ledger.affinity,
            shared.ledger.moves, shared.ledger.holds, shared.penalties, shared.limiter, shared.ceiling, ready_}),
      shared_(shared),
      snapshot_(std::move(snapshot)),
      loop_([this](uint64_t lag_ms) {
        stats_.loop_lag.observe_us(lag_ms * 1000);
        stats_.buffered_bytes.set(loop_.chunks().in_use() * Chunk::kSize);
        report_memory();
      }),
      mailbox_(std::make_shared<Mailbox>(loop_.uv())),
      http_(loop_),
      env_(loop_, mailbox_, shared.lookups, shared.passwords, http_),
      login_memory_(loop_, stats_.login_bytes, shared.login_memory_max),
      resolver_(std::make_unique<Resolver>(loop_, snapshot_->live.resolver)),
      ready_(*this),
      roll_(loop_),
      next_id_(random_id()),
      nonce_key_{random_id(), random_id()} {
  http_.use(*resolver_);
  make_room();
}

Worker::~Worker() = default;

void Worker::make_room() {
  stats_.listeners.grow(shared_.fleet.listeners());
  stats_.backends.grow(shared_.fleet.backends());
}

// A few times a second, and once more at the end.
void Worker::report_memory() {
  const auto held = static_cast<int64_t>(stats_.buffered_bytes.get() + stats_.login_bytes.get()) +
                    static_cast<int64_t>(roll_.size() + ready_.size()) * MemoryCeiling::kSession;
  shared_.ceiling.change(held - std::exchange(reported_, held));
  const size_t most = shared_.login_memory_max;
  login_memory_.set_limit(shared_.ceiling.level() == MemoryCeiling::Level::calm ? most : most / 8);
}

void Worker::listen(Handout doors) { change_doors(std::move(doors)); }

void Worker::exchange(std::shared_ptr<const Snapshot> snapshot, Handout doors) {
  auto held = std::make_shared<Handout>(std::move(doors));
  mailbox_->post([this, next = std::move(snapshot), held] { take(next, std::move(*held)); });
}

void Worker::take(std::shared_ptr<const Snapshot> snapshot, Handout doors) {
  if (ending_) return;
  std::shared_ptr<const Snapshot> before = std::exchange(snapshot_, std::move(snapshot));
  if (snapshot_->directories != before->directories) directory_ = make_chain(*snapshot_->directories, env_);
  if (snapshot_->live.resolver != before->live.resolver) change_resolver();
  if (snapshot_->live.policy != before->live.policy) policy_ = make_policy();
  login_memory_.set_limit(shared_.login_memory_max);
  change_doors(std::move(doors));
  ready_.exchanged();
}

// Whoever asks the one before keeps it until he is answered.
std::shared_ptr<Policy> Worker::make_policy() {
  const config::Policy& settings = snapshot_->live.policy;
  return settings.url.empty() ? nullptr : std::make_shared<Policy>(loop_, http_, stats_, settings);
}

void Worker::change_resolver() {
  previous_resolver_ = std::exchange(resolver_, std::make_unique<Resolver>(loop_, snapshot_->live.resolver));
  http_.use(*resolver_);
}

void Worker::change_doors(Handout fresh) {
  auto before = std::exchange(doors_, {});
  for (size_t i = 0; i < snapshot_->frontends.size(); ++i) {
    for (const config::Endpoint& endpoint : snapshot_->live.listeners[i].addresses) {
      std::string address = Address::parse(endpoint.host, endpoint.port)->text();
      auto& door = doors_[address];
      if (auto kept = before.extract(address)) {
        door = std::move(kept.mapped());
        door->frontend = snapshot_->frontends[i];
        continue;
      }
      door = std::make_unique<Door>(*this, snapshot_->frontends[i]);
      for (Descriptor& socket : fresh[address]) {
        auto listener = Listener::adopt(loop_, socket.release(), *door);
        if (listener) {
          door->listeners.push_back(std::move(*listener));
        } else {
          log::write(events::listener_lost, {{"address", address}, {"detail", listener.error().message}});
        }
      }
    }
  }
  for (auto& [address, door] : before) {
    for (auto& listener : door->listeners) listener->drain();
  }
}

void Worker::accept(const std::shared_ptr<const Frontend>& frontend, int fd, const Address& peer) {
  ListenerStats& numbers = stats_.listeners[frontend->state->slot];
  int64_t now = shared_.sessions.fetch_add(1, std::memory_order_relaxed) + 1;
  bool refused = now > shared_.sessions_max;
  bool no_memory = !refused && shared_.ceiling.level() == MemoryCeiling::Level::over;
  // Beyond the places kept for polite refusals a connection is only taken and dropped.
  bool drop = now > shared_.sessions_max + Shared::kRefusing;
  Session& started = roll_.add(std::make_unique<Session>(*this, frontend, refused, roll_.next_number()));
  started.accept(fd, peer);
  numbers.accepted.inc();
  if (refused) numbers.rejected_limit.inc();
  if (no_memory) {
    numbers.rejected_memory.inc();
    if (!started.refuse(CloseReason::memory)) return;
  }
  if (drop) return started.abort(CloseReason::session_limit);
  const uint64_t here_max = frontend->sessions_max != 0 ? frontend->sessions_max : INT64_MAX;
  if (auto seat = CountedSeat::take(frontend->state->sessions, static_cast<int64_t>(here_max))) {
    started.count_at_door(std::move(seat));
  } else if (!refused && !no_memory) {
    numbers.rejected_listener.inc();
    if (!started.refuse(CloseReason::listener_limit)) return;
  }
  started.begin();
}

bool Worker::take_refusal() {
  if (refusals_ >= Shared::kRefusing) return false;
  ++refusals_;
  return true;
}

SessionId Worker::next_session_id() {
  std::array<char, 16> digits;
  put_hex(next_id_++, digits);
  return SessionId({digits.data(), digits.size()});
}

// A keyed hash of a count: no system call per login, and who has seen some of them knows nothing of the next.
std::string Worker::next_nonce() {
  std::string count = std::to_string(nonces_++);
  return hex(siphash(nonce_key_, count), 8);
}

void Worker::retire(Session& session) {
  const Frontend& frontend = session.frontend();
  const Summary& summary = session.summary();
  ProtocolStats& numbers = stats_.protocols[frontend.protocol_index];
  stats_.listeners[frontend.state->slot].closed.inc();
  numbers.closed[static_cast<size_t>(summary.reason)].inc();
  if (summary.reason != CloseReason::probe) {
    numbers.session_seconds.observe_us((summary.end_ms - summary.start_ms) * 1000);
  }
  write(summary);
  roll_.remove(session);
  shared_.sessions.fetch_sub(1, std::memory_order_relaxed);
  maybe_end();
}

void Worker::start(std::function<void()> ended) {
  directory_ = make_chain(*snapshot_->directories, env_);
  policy_ = make_policy();
  running_ = true;
  thread_ = std::thread([this, ended = std::move(ended)] {
    ready_.exchanged();
    loop_.run();
    loop_result_ = loop_.close();
    running_ = false;
    if (ended) ended();
  });
}

void Worker::walk(std::function<bool(Session&)> visit, std::function<void()> done) {
  mailbox_->post([this, visit = std::move(visit), done = std::move(done)]() mutable {
    roll_.walk(std::move(visit), std::move(done));
  });
}

void Worker::drain(uint64_t over_ms) {
  mailbox_->post([this, over_ms] {
    roll_.visit([plan = plan(over_ms)](Session& session) mutable {
      if (session.relaying()) session.leave_at(plan.next_ms());
    });
  });
}

void Worker::undrain() {
  mailbox_->post([this] {
    if (ending_) return;
    roll_.visit([](Session& session) {
      if (session.relaying()) session.leave_at(Relay::kStays);
    });
  });
}

// Who has knocked already is not let in: the other process has the same socket. Logins go on to their relay.
void Worker::hand_over(uint64_t over_ms) {
  mailbox_->post([this, over_ms] {
    if (ending_) return;
    doors_.clear();
    ending_ = true;
    ready_.close();
    roll_.visit([plan = plan(over_ms)](Session& session) mutable {
      if (session.relaying()) session.leave_at(plan.next_ms());
    });
    maybe_end();
  });
}

void Worker::end(uint64_t over_ms) {
  mailbox_->post([this, over_ms] {
    begin_end();
    roll_.visit([plan = plan(over_ms)](Session& session) mutable {
      session.relaying() ? session.leave_at(plan.next_ms()) : session.shut_down();
    });
    maybe_end();
  });
}

void Worker::stop() {
  mailbox_->post([this] { begin_stop(); });
}

void Worker::stop_now() {
  mailbox_->post([this] {
    begin_stop();
    roll_.each_now([](Session& session) { session.cut_off(); });
  });
}

DrainPlan Worker::plan(uint64_t over_ms) const {
  return {stats_.sessions[static_cast<size_t>(Phase::relay)].get(), loop_.now_ms(), over_ms};
}

// Who has knocked already is let in, to be told to come again like those who are in: a reset would tell nothing.
void Worker::begin_end() {
  if (ending_) return;
  for (auto& [address, door] : doors_) {
    for (auto& listener : door->listeners) listener->drain();
  }
  doors_.clear();
  ending_ = true;
  ready_.close();
}

void Worker::begin_stop() {
  if (std::exchange(stopping_, true)) return;
  begin_end();
  roll_.visit([](Session& session) { session.shut_down(); });
  maybe_end();
}

void Worker::maybe_end() {
  if (!ending_ || ended_ || roll_.size() != 0) return;
  ended_ = true;
  // One turn later: the last session is still on the stack and in the graveyard.
  loop_.defer([this] {
    report_memory();
    directory_.reset();
    policy_.reset();
    http_.close();
    resolver_.reset();
    previous_resolver_.reset();
    mailbox_->close();
    loop_.stop();
  });
}

void Worker::abandon() {
  ending_ = true;
  doors_.clear();
  maybe_end();
  loop_.run();
  loop_.close();
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

AllStats stats_of(const Workers& workers) {
  AllStats all;
  for (const auto& worker : workers) all.push_back(&worker->stats());
  return all;
}

}  // namespace postigo
