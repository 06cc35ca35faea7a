// Each backend, for each protocol that is served there: a probe as the prober makes them, to the greeting, or with a
// probe's account through the login. Not here: how deep it goes (connect.cc sets the level), the dialogue (probe.cc).
#include <deque>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "backends/balance/watch.h"
#include "config/report.h"
#include "config/units.h"
#include "parser/base/ascii.h"
#include "proxy/commands/bench.h"
#include "proxy/control/probe.h"

namespace postigo::commands {

namespace {

constexpr size_t kAtOnce = 32;

class Backends final : public Trials, public Probe::Client {
 public:
  Backends(Bench& bench, std::shared_ptr<const Snapshot> snapshot, const config::Live& written)
      : bench_(bench), snapshot_(std::move(snapshot)), written_(written) {
    for (const Backend& backend : snapshot_->backends) {
      for (const Protocol& protocol : protocols()) {
        if (snapshot_->serves(backend, protocol)) waiting_.push_back({snapshot_, &backend, &protocol});
      }
    }
    begin_some();
  }
  ~Backends() override {
    for (auto& [probe, running] : running_) {
      running.probe->abandon();
      bench_.loop().bury(std::move(running.probe));
    }
  }

 private:
  struct Running {
    std::unique_ptr<Probe> probe;
    size_t trial;
  };

  // Where it stands in the file; a target of an SRV record is "NAME/HOST" there.
  std::string key_of(const std::string& name) const {
    for (size_t i = 0; i < written_.backends.size(); ++i) {
      const std::string& each = written_.backends[i].name;
      if (name == each || name.starts_with(each + '/')) return config::at_index("backend", i);
    }
    return {};
  }

  void begin_some() {
    while (!waiting_.empty() && running_.size() < kAtOnce) {
      Probe::Order order = std::move(waiting_.front());
      waiting_.pop_front();
      const config::Backend& settings = order.backend->settings;
      const std::string where = config::format_endpoint({settings.host, settings.port(order.protocol->name)});
      const size_t trial = bench_.begin("backend " + settings.name, fmt::format("{} {}", order.protocol->name, where),
                                        key_of(settings.name));
      auto probe =
          std::make_unique<Probe>(*this, Dialer::Means{bench_.loop(), bench_.resolver(), stats_}, std::move(order));
      Probe* started = probe.get();
      running_.emplace(started, Running{std::move(probe), trial});
      started->start();
    }
  }

  void probe_knows(Probe& probe, const std::optional<Probe::Verdict>& verdict) override {
    const size_t trial = running_.at(&probe).trial;
    if (!verdict) return bench_.end(trial, false, "cannot be tried: what went wrong is on this side");
    const config::Backend& settings = probe.order().backend->settings;
    if (verdict->refused) {
      return bench_.end(
          trial, false,
          fmt::format("refuses {} of [backend.health]: {}", settings.health.user, printable(verdict->why)));
    }
    if (!verdict->good) return bench_.end(trial, false, printable(verdict->why));
    const bool in = *depth_of(settings.health.level) == Depth::login;
    bench_.end(trial, true,
               fmt::format("{}{}", settings.tls.mode == config::Tls::off ? "clear text, " : "TLS, ",
                           in ? "logged in as " + settings.health.user : "greeting"));
  }

  void probe_over(Probe& probe) override {
    auto found = running_.find(&probe);
    bench_.loop().bury(std::move(found->second.probe));
    running_.erase(found);
    begin_some();
  }

  Bench& bench_;
  std::shared_ptr<const Snapshot> snapshot_;
  const config::Live& written_;
  BackendStats stats_;  // of nobody
  std::deque<Probe::Order> waiting_;
  std::map<Probe*, Running> running_;
};

}  // namespace

std::unique_ptr<Trials> try_backends(Bench& bench, std::shared_ptr<const Snapshot> snapshot,
                                     const config::Live& written) {
  return std::make_unique<Backends>(bench, std::move(snapshot), written);
}

}  // namespace postigo::commands
