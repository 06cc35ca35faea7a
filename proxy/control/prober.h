// Prober: looks after backends from the control thread: probes, the trials of those that are down, and what time alone
// changes in what is believed of them. Tells the log each change that it finds.
//
// Control thread. One probe of a protocol of a backend at a time.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "proxy/base/stats.h"
#include "proxy/control/probe.h"
#include "proxy/net/resolver.h"
#include "proxy/snapshot.h"

namespace postigo {

class Prober final : public Probe::Client {
 public:
  // `changed`: what should be kept of backends that are down is not what it was.
  Prober(Loop& loop, std::function<void()> changed);

  // A configuration takes effect: its terms, and whom to look at. Probes go on from the first call to close().
  void use(std::shared_ptr<const Snapshot> snapshot);
  void close();

 private:
  using Name = std::pair<const BackendState*, size_t>;  // and the protocol's place
  struct Watch {
    uint64_t next_ms = 0;
    std::unique_ptr<Probe> probe;  // under way
    bool refusal_told = false;
  };

  void tick();
  void look_after(const Backend& backend, size_t protocol);
  void begin(const Backend& backend, size_t protocol, Health::Trial trial);
  uint64_t next_interval_ms(const config::Health& health);
  void probe_knows(Probe& probe, const std::optional<Probe::Verdict>& verdict) override;
  void probe_over(Probe& probe) override;
  void tell_refusal(const Probe& probe, const Probe::Verdict& verdict, bool& told);
  void note(const Backend& backend, const Protocol& protocol, const SharedHealth::Change& change);

  Loop& loop_;
  std::function<void()> changed_;
  Timer tick_;
  std::shared_ptr<const Snapshot> snapshot_;
  std::unique_ptr<Resolver> resolver_;
  BackendStats stats_;  // of nobody: what a Dialer counts is about logins
  std::map<Name, Watch> watches_;
  uint64_t falls_ = 0;  // of all, when they were kept last
  uint64_t kept_ms_ = 0;
  bool dirty_ = false;
  bool some_down_ = false;
};

}  // namespace postigo
