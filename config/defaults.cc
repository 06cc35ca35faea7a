// The rules that keep a small configuration small. Each of them is told in the sentence of its key in schema.cc.
#include "config/defaults.h"
#include "config/protocol_keys.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "parser/base/ascii.h"

namespace postigo::config {

namespace {

std::string machine_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == 0) return "localhost";
  return name.data();
}

void complete_listener(Listener& x, bool tls_written) {
  const auto& all = x.addresses;
  bool clear = !all.empty() &&
               std::all_of(all.begin(), all.end(), [](const Endpoint& each) { return is_clear_port(each.port); });
  if (!tls_written && clear) x.tls = Tls::starttls;
  if (x.name.empty()) x.name = x.protocol + (x.tls == Tls::implicit ? "s" : "");
}

void strip_brackets(std::string& host) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
}

bool ports_written(const Report& report, const std::string& path) {
  return std::any_of(protocols().begin(), protocols().end(),
                     [&](const Protocol& each) { return report.has(path + '.' + port_key(each)); });
}

void complete_backend(Backend& x, bool ports_written) {
  strip_brackets(x.host);
  for (std::string& address : x.source) strip_brackets(address);
  for (std::string& name : x.srv) name = lower(name);
  if (x.name.empty()) x.name = x.srv.empty() ? x.host : x.srv[0];
  if (!ports_written && x.srv.empty()) {
    bool implicit = x.tls.mode == Tls::implicit;
    for (const Protocol& each : protocols()) x.ports[each.name] = implicit ? each.tls_port : each.port;
  }
  if (x.tls.key_file.empty()) x.tls.key_file = x.tls.certificate_file;
  x.mechanism = x.mechanism.empty() ? "PLAIN" : upper(x.mechanism);
}

void complete_pools(Live& x) {
  if (x.pools.empty() && !x.backends.empty()) {
    Pool& pool = x.pools.emplace_back();
    for (const Backend& backend : x.backends) pool.shards.push_back({backend.name, 1.0, {backend.name}});
  }
  for (Pool& pool : x.pools) {
    if (pool.name.empty()) pool.name = "default";
    for (Shard& shard : pool.shards) {
      if (shard.name.empty() && shard.backends.size() == 1) shard.name = shard.backends[0];
    }
  }
  if (x.routing.default_pool.empty() && !x.pools.empty()) x.routing.default_pool = x.pools[0].name;
}

// Names in the file meet names of clients, so the same becomes of them: the first steps here, for checks to see whether
// two are one, and all of them where a configuration is made ready (backends/names/configured.h).
void normalise_user(std::string& name, const NameForm& form) {
  if (name.empty()) return;
  const bool lacks_domain = name.find('@') == std::string::npos && !form.default_domain.empty();
  if (lacks_domain && form.rewrites.empty()) name += '@' + form.default_domain;  // rewrites come first
  if (form.lowercase || name.starts_with('@')) name = lower(name);
}

void normalise_names(Live& x) {
  x.routing.default_domain = lower(x.routing.default_domain);
  x.names.lowercase = x.routing.lowercase;
  x.names.default_domain = x.routing.default_domain;
  for (Rule& rule : x.routing.rules) {
    rule.domain = lower(rule.domain);
    normalise_user(rule.user, x.names);
  }
  for (LimitClass& each : x.limits.classes) {
    each.domain = lower(each.domain);
    normalise_user(each.user, x.names);
  }
  auto normalise_pattern = [&](std::string& name) {
    if (name.starts_with('*')) {
      name = lower(name);
    } else {
      normalise_user(name, x.names);
    }
  };
  for (Impersonation& rule : x.auth.impersonation) {
    normalise_pattern(rule.who);
    normalise_pattern(rule.whom);
  }
  for (LogSample& sample : x.log.samples) normalise_pattern(sample.user);
  normalise_user(x.auth.anonymous_user, x.names);
  for (Directory& directory : x.auth.directories) {
    directory.names = x.names;
    for (StaticUser& user : directory.users) normalise_user(user.name, x.names);
  }
  for (Certificate& certificate : x.tls.certificates) {
    for (std::string& name : certificate.names) name = lower(name);
  }
}

}  // namespace

void complete(Config& config, const Report& report) {
  Startup& startup = config.startup;
  Live& live = config.live;
  if (live.hostname.empty()) live.hostname = machine_name();
  if (startup.admin.enabled && startup.admin.address.port == 0) startup.admin.address = {"127.0.0.1", 9090};
  for (size_t i = 0; i < live.listeners.size(); ++i) {
    complete_listener(live.listeners[i], report.has(at_index("listener", i) + ".tls"));
  }
  for (size_t i = 0; i < live.backends.size(); ++i) {
    std::string path = at_index("backend", i);
    complete_backend(live.backends[i], ports_written(report, path));
  }
  for (Certificate& certificate : live.tls.certificates) {
    if (certificate.key_file.empty()) certificate.key_file = certificate.certificate_file;
  }
  complete_pools(live);
  if (!report.has("auth.mechanisms")) live.auth.mechanisms = {"PLAIN", "LOGIN"};
  for (Directory& directory : live.auth.directories) {
    if (directory.name.empty()) directory.name = word_of(directory.type);
  }
  normalise_names(live);
}

}  // namespace postigo::config
