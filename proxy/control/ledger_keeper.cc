// Not here: what the ledger knows (backends/ledger), how the estate gets to another process (estate.cc).
#include "proxy/control/ledger_keeper.h"

#include <algorithm>
#include <ctime>

#include "backends/ledger/bonds_text.h"

namespace postigo {
namespace {

constexpr uint64_t kSweepMs = 1'000;  // each: one stripe

}  // namespace

LedgerKeeper::LedgerKeeper(Loop& loop, Fleet& fleet)
    : loop_(loop), fleet_(fleet), timer_([](void* self) { static_cast<LedgerKeeper*>(self)->sweep(); }, this) {}

void LedgerKeeper::start(Ledger& ledger, const std::string& inherited,
                         std::function<void(const std::string& user)> evict) {
  ledger_ = &ledger;
  evict_ = std::move(evict);
  adopt_bonds(ledger.affinity, inherited, [this](std::string_view name) -> std::optional<Affinity::Slot> {
    auto state = fleet_.backend(name);
    return state ? std::optional(static_cast<Affinity::Slot>((*state)->slot)) : std::nullopt;
  });
  loop_.timers().arm(timer_, kSweepMs);
}

void LedgerKeeper::close() { timer_.cancel(); }

void LedgerKeeper::sweep() {
  loop_.timers().arm(timer_, kSweepMs);
  ledger_->affinity.visit(stripe_, [](Bytes, const Affinity::Known&) {});
  stripe_ = (stripe_ + 1) % ledger_->affinity.stripes();
  if (ledger_->stranded.size() > 0) help_stranded();
  if (stripe_ != 0) return;
  ledger_->holds.visit(loop_.now_ms(), [](Bytes, uint64_t) {});
  ledger_->moves.visit(static_cast<uint64_t>(std::time(nullptr)), [](Bytes, const Moves::Order&) {});
}

// Only if the backend fails still: who could not reach it for a moment does not lose his sessions.
void LedgerKeeper::help_stranded() {
  std::vector<std::pair<std::string, uint64_t>> users;
  ledger_->stranded.visit(loop_.now_ms(), [&](Bytes user, uint64_t until_ms) { users.emplace_back(user, until_ms); });
  const auto backends = fleet_.all_backends();
  for (const auto& [user, until_ms] : users) {
    ledger_->stranded.release(user);
    auto known = ledger_->affinity.look(user);
    const BackendState* where = known && known->backend < backends.size() ? backends[known->backend] : nullptr;
    bool gone = where != nullptr && (where->outage.failing() || where->wanted == Wanted::down);
    // The hold may be an operator's by now, or a move's: that is theirs.
    if (ledger_->holds.release_if(user, until_ms) && gone) evict_(user);
  }
}

std::string LedgerKeeper::text(const config::Live& live) const {
  uint64_t lapse_ms = 0;
  for (const config::Pool& pool : live.pools) {
    if (pool.affinity) lapse_ms = std::max(lapse_ms, pool.affinity_time_ms);
  }
  if (ledger_->affinity.users() == 0) return {};
  std::vector<std::string> names;
  for (const BackendState* backend : fleet_.all_backends()) names.push_back(backend->name);
  return bonds_text(ledger_->affinity, names, live.leaving.upgrade_drain_time_ms, lapse_ms);
}

}  // namespace postigo
