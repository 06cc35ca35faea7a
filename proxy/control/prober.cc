// When to look. Not here: how (probe.cc), what it means (backends/balance/health.cc).
#include "proxy/control/prober.h"

#include <algorithm>

#include "backends/balance/watch.h"
#include "proxy/base/events.h"
#include "proxy/session/health_log.h"

namespace postigo {
namespace {

constexpr uint64_t kProberTickMs = 200;
constexpr uint64_t kKeepMs = 60'000;  // what is kept says when it was true, and must not grow old while it is

}  // namespace

Prober::Prober(Loop& loop, std::function<void()> changed)
    : loop_(loop), changed_(std::move(changed)), tick_([](void* self) { static_cast<Prober*>(self)->tick(); }, this) {}

void Prober::use(std::shared_ptr<const Snapshot> snapshot) {
  if (resolver_ == nullptr || snapshot_->live.resolver != snapshot->live.resolver) {
    for (auto& [name, watch] : watches_) {
      if (watch.probe == nullptr) continue;
      const Probe::Order& order = watch.probe->order();
      order.backend->state->health(name.second).dropped(order.trial);
      watch.probe->abandon();  // it asks the old one
      loop_.bury(std::move(watch.probe));
    }
    resolver_ = std::make_unique<Resolver>(loop_, snapshot->live.resolver);
  }
  snapshot_ = std::move(snapshot);
  for (const Backend& backend : snapshot_->backends) {
    HealthTerms terms = terms_of(backend.settings.health, snapshot_->live.limits.backend_login_timeout_ms);
    for (size_t p = 0; p < protocols().size(); ++p) backend.state->health(p).set_terms(terms);
  }
  loop_.timers().arm(tick_, kProberTickMs);
}

void Prober::close() {
  tick_.cancel();
  for (auto& [name, watch] : watches_) {
    if (watch.probe != nullptr) watch.probe->abandon();
    loop_.bury(std::move(watch.probe));
  }
  watches_.clear();
  resolver_.reset();
  snapshot_.reset();
}

void Prober::tick() {
  some_down_ = false;
  uint64_t falls = 0;
  for (const Backend& backend : snapshot_->backends) {
    for (size_t p = 0; p < protocols().size(); ++p) {
      if (snapshot_->serves(backend, protocols()[p])) look_after(backend, p);
      falls += backend.state->health(p).falls();
    }
  }
  bool due = some_down_ && loop_.now_ms() >= kept_ms_ + kKeepMs;
  if (std::exchange(dirty_, false) || falls != std::exchange(falls_, falls) || due) {
    kept_ms_ = loop_.now_ms();
    changed_();
  }
  loop_.timers().arm(tick_, kProberTickMs);
}

void Prober::look_after(const Backend& backend, size_t protocol) {
  SharedHealth& health = backend.state->health(protocol);
  const config::Health& terms = backend.settings.health;
  const uint64_t now_ms = loop_.now_ms();
  note(backend, protocols()[protocol], health.tick(now_ms));
  SharedHealth::View view;
  if (!health.calm()) view = health.view(now_ms);
  some_down_ = some_down_ || view.state == HealthState::down;
  std::optional<Depth> depth = depth_of(terms.level);
  if (!depth || backend.state->wanted == Wanted::down) return;
  Watch& watch = watches_[{backend.state, protocol}];
  if (watch.probe != nullptr) return;
  if (view.state == HealthState::down) {
    if (!view.trial_due || *depth < view.depth) return;  // only a login can tell
    constexpr uint64_t kSlackMs = 1'000;
    uint64_t lease_ms = std::max(terms.timeout_ms, snapshot_->live.limits.backend_login_timeout_ms) + kSlackMs;
    auto admission = health.admit(now_ms, lease_ms);
    return admission.trial != 0 ? begin(backend, protocol, admission.trial) : void();
  }
  bool wanted = is_periodic(terms.level) || view.state == HealthState::suspect;
  if (watch.next_ms == 0) watch.next_ms = now_ms + next_interval_ms(terms) / 2;  // not all at the start
  if (wanted && now_ms >= watch.next_ms) begin(backend, protocol, 0);
}

uint64_t Prober::next_interval_ms(const config::Health& health) {
  static uint64_t drawn = uv_hrtime();
  drawn = drawn * 6364136223846793005U + 1442695040888963407U;
  uint64_t most = health.interval_ms * health.jitter / 100;
  return health.interval_ms - most + (drawn >> 33) % (2 * most + 1);
}

void Prober::begin(const Backend& backend, size_t protocol, Health::Trial trial) {
  Watch& watch = watches_[{backend.state, protocol}];
  watch.next_ms = loop_.now_ms() + next_interval_ms(backend.settings.health);
  Probe::Order order{snapshot_, &backend, &protocols()[protocol], trial};
  watch.probe = std::make_unique<Probe>(*this, Dialer::Means{loop_, *resolver_, stats_}, std::move(order));
  watch.probe->start();
}

void Prober::note(const Backend& backend, const Protocol& protocol, const SharedHealth::Change& change) {
  if (!change) return;
  dirty_ = true;
  write_health(backend.settings.name, protocol.name, *change);
}

void Prober::probe_knows(Probe& probe, const std::optional<Probe::Verdict>& verdict) {
  const Probe::Order& order = probe.order();
  BackendState& state = *order.backend->state;
  auto place = index_of(*order.protocol);
  SharedHealth& health = state.health(place);
  if (!verdict) return health.dropped(order.trial);
  ProbeResult result = verdict->refused ? ProbeResult::refused : verdict->good ? ProbeResult::ok : ProbeResult::failed;
  state.probes[static_cast<size_t>(result)].inc();
  tell_refusal(probe, *verdict, watches_[{&state, place}].refusal_told);
  std::string why = "probe: " + verdict->why;
  note(*order.backend, *order.protocol,
       verdict->good ? health.good(loop_.now_ms(), verdict->depth, order.trial)
                     : health.bad(loop_.now_ms(), verdict->depth, why, 0, order.trial));
}

void Prober::tell_refusal(const Probe& probe, const Probe::Verdict& verdict, bool& told) {
  bool before = std::exchange(told, verdict.refused || (told && !verdict.good));
  if (!verdict.refused || before) return;
  log::write(events::probe_refused, {{"backend", probe.order().backend->settings.name},
                                     {"protocol", probe.order().protocol->name},
                                     {"code", verdict.code},
                                     {"detail", verdict.why}});
}

void Prober::probe_over(Probe& probe) {
  auto place = index_of(*probe.order().protocol);
  loop_.bury(std::move(watches_[{probe.order().backend->state, place}].probe));
}

}  // namespace postigo
