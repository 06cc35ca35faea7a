// When one is begun, kept, renewed and let go. Not here: how a backend is reached (dialer.cc), what becomes of the
// login (upstream.cc).
#include "proxy/session/ready_pool.h"

#include <algorithm>

#include "proxy/session/host.h"

namespace postigo {
namespace {

constexpr uint64_t kReadyTickMs = 250;

}  // namespace

// One connection, until a login takes it.
class ReadyPool::Entry final : public Dialer::Client {
 public:
  Entry(ReadyPool& pool, Line& line, Places::ReadySeat seat);

  void start() { dialer_->start(); }
  // The Dialer, if it is fit; nothing is left here then.
  std::unique_ptr<Dialer> take() { return dialer_->fit() ? std::move(dialer_) : nullptr; }
  void abandon();
  Line& line() { return line_; }
  bool parked() const { return parked_; }
  uint64_t age_ms() const { return pool_.host_.loop().now_ms() - since_ms_; }

 private:
  void dial_entered(Phase phase) override;
  Dialer::Words dial_words() override;
  void dial_greeted() override;
  void dial_parked() override;
  void dialed(SocketPtr, Bytes) override { pool_.ended(*this); }
  void dial_refused() override { pool_.ended(*this); }
  void dial_failed(BackendError, const std::string&) override { pool_.ended(*this); }
  void dial_overflowed() override { pool_.ended(*this); }

  ReadyPool& pool_;
  Line& line_;
  std::shared_ptr<const Snapshot> snapshot_;  // pins what the Dialer refers to
  Places::ReadySeat seat_;
  std::unique_ptr<Dialer> dialer_;
  Timer patience_;
  uint64_t since_ms_;  // begun, and later: parked
  bool parked_ = false;
};

// Those of a backend and a protocol.
struct ReadyPool::Line {
  const Backend* backend = nullptr;
  const Protocol* protocol = nullptr;
  ReadyPlan plan;
  std::vector<std::unique_ptr<Entry>> entries;  // the oldest first

  const config::Ready& terms() const { return backend->settings.ready; }
  BackendState& state() const { return *backend->state; }
  size_t wanted(uint64_t now_ms) const { return plan.wanted({terms().max, terms().idle_ms}, now_ms); }
};

ReadyPool::Entry::Entry(ReadyPool& pool, Line& line, Places::ReadySeat seat)
    : pool_(pool),
      line_(line),
      snapshot_(pool.snapshot_),
      seat_(std::move(seat)),
      dialer_(std::make_unique<Dialer>(
          *this,
          Dialer::Means{pool.host_.loop(), pool.host_.resolver(), pool.host_.stats().backends[line.state().slot]},
          *line.backend, *line.protocol)),
      patience_([](void* self) { static_cast<Entry*>(self)->dialer_->deadline(); }, this),
      since_ms_(pool.host_.loop().now_ms()) {}

void ReadyPool::Entry::dial_entered(Phase phase) {
  const config::Limits& limits = snapshot_->live.limits;
  pool_.host_.loop().timers().arm(
      patience_, phase == Phase::connect ? limits.backend_connect_timeout_ms : limits.backend_login_timeout_ms);
}

Dialer::Words ReadyPool::Entry::dial_words() {
  Dialer::Words words;
  words.login.nonce = pool_.host_.next_nonce();
  words.until = Dialer::Until::parked;
  return words;
}

void ReadyPool::Entry::dial_greeted() {
  line_.state().health(index_of(*line_.protocol)).greeted(pool_.host_.loop().now_ms() - dialer_->connected_ms());
}

void ReadyPool::Entry::dial_parked() {
  patience_.cancel();
  line_.plan.made(age_ms());
  since_ms_ = pool_.host_.loop().now_ms();
  parked_ = true;
}

// Servers write a line about who leaves without a good-bye.
void ReadyPool::Entry::abandon() {
  patience_.cancel();
  seat_ = {};
  if (dialer_ == nullptr) return;
  if (SocketPtr socket = parked_ ? dialer_->take_socket() : nullptr) socket->send(line_.protocol->goodbye);
  dialer_->abandon();
}

ReadyPool::ReadyPool(Host& host)
    : host_(host), tick_([](void* self) { static_cast<ReadyPool*>(self)->tick(); }, this) {}

ReadyPool::~ReadyPool() = default;

ReadyPool::Line& ReadyPool::line_of(const Backend& backend, const Protocol& protocol) {
  Line& line = lines_[{backend.state->slot, index_of(protocol)}];
  line.backend = &backend;
  line.protocol = &protocol;
  if (!tick_.armed()) host_.loop().timers().arm(tick_, kReadyTickMs);
  return line;
}

std::unique_ptr<Dialer> ReadyPool::take(const Snapshot& snapshot, const Backend& backend, const Protocol& protocol) {
  if (!wants(backend) || closed_ || &snapshot != snapshot_.get()) return nullptr;
  Line& line = line_of(backend, protocol);
  taken_from_ = &line;
  line.plan.login(host_.loop().now_ms());
  while (true) {
    auto parked = std::find_if(line.entries.begin(), line.entries.end(), [](auto& each) { return each->parked(); });
    if (parked == line.entries.end()) return nullptr;
    std::unique_ptr<Entry> entry = std::move(*parked);
    line.entries.erase(parked);
    std::unique_ptr<Dialer> dialer = entry->take();
    entry->abandon();
    host_.loop().bury(std::move(entry));
    if (dialer != nullptr) {
      line.plan.proved();
      return dialer;
    }
    failed(backend, protocol);
  }
}

void ReadyPool::refill() {
  if (Line* line = std::exchange(taken_from_, nullptr)) fill(*line);
}

void ReadyPool::failed(const Backend& backend, const Protocol& protocol) {
  host_.stats().backends[backend.state->slot].ready[static_cast<size_t>(ReadyResult::failed)].inc();
  if (auto found = lines_.find({backend.state->slot, index_of(protocol)}); found != lines_.end()) {
    found->second.plan.failed(host_.loop().now_ms());
  }
}

// The entry may be the caller of the caller: it lives to the end of the turn.
void ReadyPool::ended(Entry& entry) {
  Line& line = entry.line();
  line.plan.failed(host_.loop().now_ms());
  auto at = std::find_if(line.entries.begin(), line.entries.end(), [&](auto& each) { return each.get() == &entry; });
  retire(line, static_cast<size_t>(at - line.entries.begin()), ReadyResult::failed);
}

void ReadyPool::retire(Line& line, size_t at, ReadyResult result) {
  std::unique_ptr<Entry> entry = std::move(line.entries[at]);
  line.entries.erase(line.entries.begin() + static_cast<ptrdiff_t>(at));
  entry->abandon();
  host_.loop().bury(std::move(entry));
  host_.stats().backends[line.state().slot].ready[static_cast<size_t>(result)].inc();
}

void ReadyPool::empty(Line& line, ReadyResult result) {
  while (!line.entries.empty()) retire(line, 0, result);
}

size_t ReadyPool::size() const {
  size_t count = 0;
  for (const auto& [name, line] : lines_) count += line.entries.size();
  return count;
}

void ReadyPool::tick() {
  for (auto& [name, line] : lines_) tend(line);
  const uint64_t now_ms = host_.loop().now_ms();
  std::erase_if(lines_, [&](const auto& each) {
    const Line& line = each.second;
    return line.entries.empty() && line.terms().min == 0 && line.wanted(now_ms) == 0;
  });
  if (!lines_.empty()) host_.loop().timers().arm(tick_, kReadyTickMs);
}

// Where nobody may go now none is kept. Those that have waited their time go, and others come if they are wanted still.
void ReadyPool::tend(Line& line) {
  const SharedHealth& health = line.state().health(index_of(*line.protocol));
  bool no_memory = host_.ceiling().level() != MemoryCeiling::Level::calm;
  if (health.down() || no_memory || !takes_logins(line.state().wanted)) return empty(line, ReadyResult::unused);
  for (size_t i = 0; i < line.entries.size();) {
    bool over = line.entries[i]->parked() && line.entries[i]->age_ms() >= line.terms().idle_ms;
    if (over) line.plan.proved();
    over ? retire(line, i, ReadyResult::unused) : void(++i);
  }
  fill(line);
}

// As the plan says; and of the least that is wanted of all workers together one at a time, so that each gets some.
void ReadyPool::fill(Line& line) {
  const uint64_t now_ms = host_.loop().now_ms();
  BackendState& state = line.state();
  bool no_memory = host_.ceiling().level() != MemoryCeiling::Level::calm;
  if (no_memory || !state.health(index_of(*line.protocol)).calm() || !takes_logins(state.wanted)) return;
  const size_t wanted = line.wanted(now_ms);
  while (line.entries.size() < wanted && line.plan.may_begin(now_ms) && begin(line, line.terms().max)) {
  }
  if (line.plan.may_begin(now_ms)) begin(line, line.terms().min);
}

// Logins come first: none is made ready where they have to wait for places.
bool ReadyPool::begin(Line& line, uint64_t max) {
  if (closed_ || !host_.places().has_place(line.state())) return false;
  Places::ReadySeat seat = host_.places().take_ready(line.state(), index_of(*line.protocol), max);
  if (!seat) return false;
  line.entries.push_back(std::make_unique<Entry>(*this, line, std::move(seat)));
  line.entries.back()->start();
  return true;
}

// Also where nothing has changed for a backend: a Dialer refers to the snapshot that it is of, and reloads are rare.
void ReadyPool::exchanged() {
  if (closed_) return;
  for (auto& [name, line] : lines_) empty(line, ReadyResult::unused);
  lines_.clear();
  taken_from_ = nullptr;
  snapshot_ = host_.snapshot();
  open_lines();
}

void ReadyPool::open_lines() {
  for (const Backend& backend : snapshot_->backends) {
    if (!wants(backend) || backend.settings.ready.min == 0) continue;
    for (const Protocol& protocol : protocols()) {
      if (snapshot_->serves(backend, protocol)) line_of(backend, protocol);
    }
  }
}

void ReadyPool::close() {
  closed_ = true;
  tick_.cancel();
  for (auto& [name, line] : lines_) empty(line, ReadyResult::unused);
  lines_.clear();
  snapshot_.reset();
}

}  // namespace postigo
