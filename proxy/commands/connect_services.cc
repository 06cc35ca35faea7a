// Name servers that the configuration names, each asked for a backend's name; and the policy server, with weakforced's
// harmless command. Not here: whether backends' names lead anywhere (connect_backends.cc asks as logins do).
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "config/report.h"
#include "config/units.h"
#include "parser/base/ascii.h"
#include "proxy/commands/bench.h"
#include "proxy/net/address.h"
#include "proxy/net/dns.h"

namespace postigo::commands {

namespace {

class Services final : public Trials {
 public:
  Services(Bench& bench, const config::Live& live) : bench_(bench) {
    auto named = std::find_if(live.backends.begin(), live.backends.end(), [](const config::Backend& each) {
      return !each.host.empty() && each.host != "localhost" && !Address::parse(each.host, 0);
    });
    for (size_t i = 0; named != live.backends.end() && i < live.resolver.servers.size(); ++i) {
      config::Resolver one = live.resolver;
      one.servers = {live.resolver.servers[i]};
      ask(one, named->host, config::at_index("resolver.servers", i));
    }
    if (!live.policy.url.empty()) ask(live.policy);
  }

 private:
  void ask(const config::Resolver& settings, const std::string& host, const std::string& key) {
    const size_t trial = bench_.begin("name server", config::format_endpoint(settings.servers.front()), key);
    servers_.push_back(std::make_unique<Dns>(bench_.loop(), settings));
    pending_.push_back(servers_.back()->ask(host, [this, trial, host](Dns::Answer answer) {
      const bool good = !answer.addresses.empty();
      bench_.end(trial, good, good ? "knows " + host : fmt::format("{}: {}", host, answer.why));
    }));
  }

  void ask(const config::Policy& policy) {
    const size_t trial = bench_.begin("policy server", policy.url, "policy.url");
    HttpRequest request;
    request.method = "GET";
    request.url = policy.url + (policy.url.find('?') == std::string::npos ? "?" : "&") + "command=ping";
    if (!policy.password.empty()) {
      request.login = policy.user;
      request.password = Secret(policy.password.reveal());
    }
    request.timeout_ms = policy.timeout_ms;
    pending_.push_back(bench_.env().fetch(std::move(request), [this, trial](const HttpAnswer& answer) {
      const bool barred = answer.status == 401 || answer.status == 403;
      const bool good = answer.status != 0 && answer.status < 500 && !barred;
      const std::string why = answer.status == 0 ? printable(answer.why) : fmt::format("status {}", answer.status);
      bench_.end(trial, good, good ? "answers" : why);
    }));
  }

  Bench& bench_;
  std::vector<std::unique_ptr<Dns>> servers_;
  std::vector<Ticket> pending_;  // go first
};

}  // namespace

std::unique_ptr<Trials> try_services(Bench& bench, const config::Live& live) {
  return std::make_unique<Services>(bench, live);
}

}  // namespace postigo::commands
