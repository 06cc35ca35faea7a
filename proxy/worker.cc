// Listening, accepting, counting and stopping. Not here: what a session does (session/), what is counted where.
#include "proxy/worker.h"

#include <fmt/format.h>
#include <openssl/rand.h>

#include "backends/directory/factory.h"
#include "parser/base/ascii.h"

namespace postigo {
namespace {

uint64_t random_id() {
  uint64_t id = 0;
  RAND_bytes(reinterpret_cast<uint8_t*>(&id), sizeof(id));
  return id;
}

}  // namespace

struct Worker::Door final : Listener::Owner {
  Door(Worker& in, size_t index) : worker(in), frontend(index) {}
  void on_accepted(Listener&, int fd, const Address& peer) override { worker.accept(frontend, fd, peer); }

  Worker& worker;
  size_t frontend;
  Listener::Ptr listener;
};

Worker::Worker(Shared& shared, std::shared_ptr<const Snapshot> snapshot, unsigned index)
    : shared_(shared),
      snapshot_(std::move(snapshot)),
      index_(index),
      loop_([this](uint64_t lag_ms) {
        stats_.loop_lag.observe_us(lag_ms * 1000);
        stats_.buffered_bytes.set(loop_.chunks().in_use() * Chunk::kSize);
      }),
      mailbox_(std::make_shared<Mailbox>(loop_.uv())),
      env_(loop_, mailbox_, shared.lookups, shared.passwords),
      login_memory_(loop_, stats_.login_bytes, shared.login_memory_max),
      resolver_(std::make_unique<Resolver>(loop_, snapshot_->live.resolver)),
      next_id_(random_id()),
      nonce_key_{random_id(), random_id()} {
  stats_.listeners.grow(shared.fleet.listeners());
  stats_.backends.grow(shared.fleet.backends());
}

Worker::~Worker() = default;

Result<void> Worker::listen(const std::vector<config::Listener>& listeners) {
  for (size_t i = 0; i < listeners.size(); ++i) {
    for (const config::Endpoint& endpoint : listeners[i].addresses) {
      if (auto bound = bind(endpoint, i); !bound) {
        return fail(fmt::format("listener {}: {}", listeners[i].name, bound.error().message));
      }
    }
  }
  return {};
}

Result<void> Worker::bind(const config::Endpoint& endpoint, size_t frontend) {
  std::optional<Address> address = Address::parse(endpoint.host, endpoint.port);
  if (!address) return fail(fmt::format("{} is not an address", endpoint.host));
  auto door = std::make_unique<Door>(*this, frontend);
  auto listener = Listener::open(loop_, *address, index_ == 0, *door);
  if (!listener) return tl::unexpected(listener.error());
  door->listener = std::move(*listener);
  doors_.push_back(std::move(door));
  return {};
}

void Worker::accept(size_t frontend_index, int fd, const Address& peer) {
  const std::shared_ptr<const Frontend>& frontend = snapshot_->frontends[frontend_index];
  ListenerStats& numbers = stats_.listeners[frontend->state->slot];
  int64_t now = shared_.sessions.fetch_add(1, std::memory_order_relaxed) + 1;
  bool refused = now > shared_.sessions_max;
  // Beyond the places kept for polite refusals a connection is only taken and dropped.
  bool drop = now > shared_.sessions_max + Shared::kRefusing;
  auto session = std::make_unique<Session>(*this, frontend, refused);
  session->accept(fd, peer);
  numbers.accepted.inc();
  if (refused) numbers.rejected_limit.inc();
  ++alive_;
  Session& started = *session.release();  // owned by the list until retire()
  sessions_.push_back(started);
  if (drop) return started.abort(CloseReason::session_limit);
  started.begin();
}

std::string Worker::next_session_id() { return hex(next_id_++, 16); }

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
  session.ListNode<SessionTag>::unlink();
  loop_.bury(std::unique_ptr<Session>(&session));
  shared_.sessions.fetch_sub(1, std::memory_order_relaxed);
  --alive_;
  maybe_end();
}

void Worker::start() {
  directory_ = make_chain(*snapshot_->directories, env_);
  running_ = true;
  thread_ = std::thread([this] {
    loop_.run();
    loop_result_ = loop_.close();
    running_ = false;
  });
}

void Worker::stop() {
  mailbox_->post([this] { begin_stop(); });
}

void Worker::stop_now() {
  mailbox_->post([this] {
    begin_stop();
    sessions_.for_each([](Session& session) { session.cut_off(); });
  });
}

void Worker::begin_stop() {
  if (stopping_) return;
  stopping_ = true;
  for (auto& door : doors_) door->listener.reset();
  sessions_.for_each([](Session& session) { session.shut_down(); });
  maybe_end();
}

void Worker::maybe_end() {
  if (!stopping_ || ended_ || alive_ != 0) return;
  ended_ = true;
  // One turn later: the last session is still on the stack and in the graveyard.
  loop_.defer([this] {
    directory_.reset();
    resolver_.reset();
    mailbox_->close();
    loop_.stop();
  });
}

void Worker::abandon() {
  begin_stop();
  loop_.run();
  loop_.close();
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

}  // namespace postigo
