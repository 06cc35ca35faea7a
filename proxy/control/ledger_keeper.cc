// Not here: what the ledger knows (backends/ledger), how the estate gets to another process (estate.cc).
#include "proxy/control/ledger_keeper.h"

#include <algorithm>
#include <ctime>

#include "backends/ledger/bonds_text.h"

namespace postigo {
namespace {

constexpr uint64_t kSweepMs = 1'000;  // each: one stripe

}  // namespace

uint64_t longest_lapse_ms(const config::Live& live) {
  uint64_t lapse_ms = 0;
  for (const config::Pool& pool : live.pools) {
    if (pool.affinity) lapse_ms = std::max(lapse_ms, pool.affinity_time_ms);
  }
  return lapse_ms;
}

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
  help_stranded();
  if (stripe_ != 0) return;
  ledger_->moves.visit(static_cast<uint64_t>(std::time(nullptr)), [](Bytes, const Moves::Order&) {});
}

// Users whose logins found them bound to a backend that cannot be reached. Their sessions go only if it fails still:
// who could not reach it for a moment loses none. Whom others hold is theirs.
void LedgerKeeper::help_stranded() {
  const uint64_t now_ms = loop_.now_ms();
  std::vector<std::pair<std::string, bool>> users;  // and whether nobody else holds them
  ledger_->holds.visit(now_ms, [&](Bytes user, const Holds::Until& until_ms) {
    auto [operators, mover, login] = until_ms;
    if (login > now_ms) users.emplace_back(user, operators <= now_ms && mover <= now_ms);
  });
  const auto backends = fleet_.all_backends();
  for (const auto& [user, ours] : users) {
    auto known = ledger_->affinity.look(user);
    const BackendState* where = known && known->backend < backends.size() ? backends[known->backend] : nullptr;
    bool gone = where != nullptr && (where->outage.failing() || where->wanted == Wanted::down);
    if (gone && ours) evict_(user);  // whose own hold begins before this one ends
    ledger_->holds.release(user, Holds::By::login);
  }
}

std::string LedgerKeeper::text(const config::Live& live) const {
  if (ledger_->affinity.users() == 0) return {};
  std::vector<std::string> names;
  for (const BackendState* backend : fleet_.all_backends()) names.push_back(backend->name);
  return bonds_text(ledger_->affinity, names, live.leaving.upgrade_drain_time_ms, longest_lapse_ms(live));
}

}  // namespace postigo
