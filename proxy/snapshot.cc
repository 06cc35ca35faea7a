// Making a Snapshot: everything that can fail fails here, before any session depends on it.
#include "proxy/snapshot.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "backends/balance/watch.h"
#include "backends/names/configured.h"
#include "config/check_targets.h"
#include "config/report.h"
#include "config/suggest.h"
#include "config/units.h"
#include "parser/base/ascii.h"
#include "parser/sasl/mechanisms.h"
#include "proxy/base/file_stamp.h"
#include "proxy/net/socket.h"

namespace postigo {
namespace {

const std::string kSystemRoots = "/etc/ssl/certs/ca-certificates.crt";

std::shared_ptr<CapabilityPolicy> capability_policy(const Protocol& protocol, const config::Capabilities& options,
                                                    const std::vector<std::string>& mechanisms) {
  auto policy = std::make_shared<CapabilityPolicy>();
  for (const std::string& name : options.hide) policy->hide.push_back(upper(name));
  for (const std::string& name : options.add) policy->add.push_back(upper(name));
  for (const std::string& name : options.before_login) policy->before_login.push_back(upper(name));
  policy->allow_compress = options.allow_compress;
  for (const std::string& name : mechanisms) {
    if (!protocol.mechanisms_after_login || name == "APOP") continue;
    policy->sasl += (policy->sasl.empty() ? "SASL " : " ") + name;
  }
  return policy;
}

// All that a TlsTrust is made of.
std::string trust_key(const config::TlsClient& tls, std::string_view alpn) {
  const std::string& roots = tls.ca_file.empty() ? kSystemRoots : tls.ca_file;
  return fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}", alpn, tls.verify, tls.min_version, tls.ciphers,
                     tls.ca_file, file_stamp(roots), tls.certificate_file, file_stamp(tls.certificate_file),
                     tls.key_file, file_stamp(tls.key_file));
}

// What can be known of them before a port is needed: that the machine has each.
std::vector<Address> sources_of(const config::Backend& backend, size_t index, config::Problems& problems) {
  std::vector<Address> sources;
  for (size_t i = 0; i < backend.source.size(); ++i) {
    auto address = Address::parse(config::canonical_ip(backend.source[i]).value_or(""), 0);
    int status = address ? Socket::try_source(*address) : -EADDRNOTAVAIL;
    if (status == 0) {
      sources.push_back(*address);
      continue;
    }
    bool none = status == -EADDRNOTAVAIL || status == -EAFNOSUPPORT;
    problems.push_back(
        config::error_at(config::at_index(config::at_index("backend", index) + ".source", i),
                         config::in_quotes(backend.source[i]) +
                             (none ? " is no address of this machine" : fmt::format(": {}", std::strerror(-status)))));
  }
  return sources;
}

// Once: not of those that go on.
void warn_of_directories(const DirectoryShared& opened, const DirectoryShared* before, config::Problems& problems) {
  for (size_t i = 0; i < opened.items().size(); ++i) {
    const SharedSource& source = opened.items()[i].source;
    auto same = [&](const DirectoryShared::Item& item) { return item.source == source; };
    const bool told = before != nullptr && std::any_of(before->items().begin(), before->items().end(), same);
    if (told || source->warning().empty()) continue;
    problems.push_back(config::warning_at(config::at_index("directory", i), source->warning()));
  }
}

// What name servers say must not make of a configuration that was checked one that is wrong.
bool fits(const config::Live& written, const config::Expanded& all, config::Problems& problems) {
  config::Problems found = Router::check(all.live);
  config::Problems of_targets = config::check_targets(written, all);
  found.insert(found.end(), of_targets.begin(), of_targets.end());
  problems.insert(problems.end(), found.begin(), found.end());
  return !any_fatal(found);
}

}  // namespace

const Backend& Snapshot::backend(std::string_view name) const { return *find_backend(name); }

const Backend* Snapshot::find_backend(std::string_view name) const {
  auto found = backend_index_.find(name);
  return found == backend_index_.end() ? nullptr : &backends[found->second];
}

const config::Pool* Snapshot::affine_pool(std::string_view name) const {
  for (const config::Pool& pool : live.pools) {
    if (pool.affinity && pool.name == name) return &pool;
  }
  return nullptr;
}

bool Snapshot::serves(const Backend& backend, const Protocol& protocol) const {
  return backend.settings.port(protocol.name) != 0 &&
         std::any_of(frontends.begin(), frontends.end(),
                     [&](const auto& frontend) { return frontend->protocol == &protocol; });
}

Claim Snapshot::claim(const Backend& backend, size_t protocol, uint64_t now_ms) const {
  const BackendState& state = *backend.state;
  Claim now{true, state.weight.load(std::memory_order_relaxed), static_cast<uint64_t>(state.sessions.load())};
  Wanted wanted = state.wanted;
  if (!takes_logins(wanted)) now.serves = false;
  if (wanted != Wanted::automatic || state.health(protocol).calm()) return now;
  SharedHealth::View view = state.health(protocol).view(now_ms);
  bool trial = view.trial_due && logins_decide(backend.settings.health.level, view.depth);
  now.serves = view.state != HealthState::down || trial;
  bool slow = state.health(protocol).patience_ms() > backend.settings.health.silence_ms;
  if (slow && !trial) now.share = 0;  // whoever greets sooner comes first
  if (view.state == HealthState::slow_start) now.share = now.share * view.share / 100;
  return now;
}

void Snapshot::order(Route& route, Bytes user, const Protocol& protocol, uint64_t now_ms) const {
  if (route.shared == nullptr && route.candidates.size() < 2) return;
  auto place = index_of(protocol);
  auto well = [&](const config::Backend* each) {
    const BackendState& state = *backend(*each).state;
    return takes_logins(state.wanted) && state.weight == kWeightWhole && state.health(place).calm();
  };
  const auto& candidates = route.candidates;
  bool as_configured = route.shared == nullptr && live.zone.empty();
  if (as_configured && std::all_of(candidates.begin(), candidates.end(), well)) return;
  Selection::World world{*router, live.zone,
                         [&](const config::Backend& each) { return claim(backend(each), place, now_ms); },
                         [&] {
                           return siphash({uv_hrtime(), turns_.fetch_add(1)}, user);
                         },
                         [&] { return turns_.fetch_add(1, std::memory_order_relaxed); }};
  Selection(world).order(route, user, protocol.name);
}

std::shared_ptr<Snapshot> Snapshot::make(const config::Config& config, Lasting& lasting, config::Problems& problems,
                                         const Snapshot* before) {
  auto snapshot = std::make_shared<Snapshot>();
  config::Problems found;
  snapshot->services = lasting.srv.get();
  config::Expanded expanded = config::expand(config.live, *snapshot->services);
  if (!config::srv_names(config.live).empty() && !fits(config.live, expanded, problems)) return nullptr;
  snapshot->live = std::move(expanded.live);
  snapshot->written_ = std::move(expanded.written);
  (void)normalise_names(snapshot->live);  // what is wrong with them was told with the rest of it
  snapshot->router = std::make_unique<Router>(snapshot->live);
  snapshot->penalty = penalty_rules(config.live.penalty);
  snapshot->limits = limit_rules(snapshot->live.limits);
  snapshot->samples = log_samples(snapshot->live.log);
  snapshot->make_certificates(before, found);
  snapshot->make_frontends(lasting, before, found);
  snapshot->make_backends(lasting.fleet, before, found);
  if (!any_fatal(found)) snapshot->make_pool_limits();
  problems.insert(problems.end(), found.begin(), found.end());
  return any_fatal(found) ? nullptr : snapshot;
}

bool Snapshot::open_directories(config::Problems& problems, const Snapshot* before) {
  bool same = before != nullptr && before->live.auth.directories == live.auth.directories &&
              before->live.auth.accept_unknown == live.auth.accept_unknown;
  const DirectoryShared* old = before != nullptr ? before->directories.get() : nullptr;
  directories = same ? before->directories : postigo::open_directories(live.auth, problems, old);
  return directories != nullptr;
}

std::shared_ptr<const DirectoryShared> open_directories(const config::Auth& auth, config::Problems& problems,
                                                        const DirectoryShared* before) {
  if (auto opened = load_directories(auth, before)) {
    warn_of_directories(**opened, before, problems);
    return *opened;
  }
  for (size_t i = 0; i < auth.directories.size(); ++i) {  // one by one: every bad one is told
    config::Auth one = auth;
    one.directories = {auth.directories[i]};
    auto opened = load_directories(one);
    if (opened) continue;
    const std::string& path = one.directories[0].path;
    const bool ours = one.directories[0].type == config::Directory::Type::sqlite;
    bool missing = ours && !path.empty() && ::access(path.c_str(), F_OK) != 0 && errno == ENOENT;
    const char* hint = missing ? " (`postigo user add` or `import` makes it)" : "";
    problems.push_back(config::error_at(config::at_index("directory", i), opened.error().message + hint));
  }
  return nullptr;
}

std::vector<std::string> Snapshot::certificate_files() const {
  std::vector<std::string> files;
  for (const config::Certificate& each : live.tls.certificates) {
    files.push_back(each.certificate_file);
    if (each.key_file != each.certificate_file) files.push_back(each.key_file);
  }
  for (const std::string& file : {live.tls.client_ca_file, live.tls.client_crl_file}) {
    if (!file.empty()) files.push_back(file);
  }
  return files;
}

std::string Snapshot::stamp_of(const std::vector<std::string>& files) {
  std::string stamp;
  for (const std::string& file : files) stamp += file_stamp(file) + '\n';
  return stamp;
}

// All that are configured, so that one which no listener needs today is known to be good tomorrow.
void Snapshot::make_certificates(const Snapshot* before, config::Problems& problems) {
  if (live.tls.certificates.empty()) return;
  certificates_stamp = stamp_of(certificate_files());  // before they are read: what changes meanwhile is seen later
  bool same = before != nullptr && before->live.tls.certificates == live.tls.certificates &&
              before->certificates_stamp == certificates_stamp;
  certificates = same ? before->certificates : CertificateStore::load(live.tls, problems);
}

void Snapshot::make_frontends(Lasting& lasting, const Snapshot* before, config::Problems& problems) {
  const std::vector<std::string> mechanisms = sasl::strongest_first(live.auth.mechanisms);
  ByProtocol<std::shared_ptr<CapabilityPolicy>> policies;
  for (const Protocol& each : protocols()) {
    policies[each.name] = capability_policy(each, live.capabilities.of(each.name), mechanisms);
  }
  for (const config::Listener& listener : live.listeners) {
    auto state = lasting.fleet.listener(listener.name);
    if (!state) return problems.push_back(config::error_at("listener", state.error().message));
    auto made = std::make_shared<Frontend>();
    Frontend& frontend = *made;
    frontend.state = *state;
    frontend.name = listener.name;
    frontend.protocol = find_protocol(listener.protocol);
    if (frontend.protocol == nullptr) {
      problems.push_back(config::error_at(config::at_index("listener", frontends.size()), "unknown protocol"));
      continue;
    }
    frontend.protocol_index = index_of(*frontend.protocol);
    frontend.tls = listener.tls;
    frontend.client_certificate = listener.client_certificate;
    frontend.sessions_max = listener.sessions_max;
    frontend.proxy_protocol = listener.proxy_protocol;
    frontend.proxy_trusted = config::networks_of(listener.proxy_trusted);
    frontend.forward_trusted = config::networks_of(listener.forward_trusted);
    frontend.policy.hostname = live.hostname;
    frontend.policy.starttls_offered = listener.tls == config::Tls::starttls;
    frontend.policy.plaintext_login_allowed = listener.plaintext_login;
    frontend.policy.mechanisms = mechanisms;
    frontend.policy.capabilities = policies.of(listener.protocol);
    frontend.proxy_policy = frontend.policy;
    frontend.proxy_policy.peer_is_proxy = true;
    frontend.speaker_policy = frontend.proxy_policy;
    frontend.speaker_policy.peer_speaks = true;
    if (listener.tls != config::Tls::off) {
      if (certificates == nullptr) return;  // told already
      frontend.tls_context = server_context(frontend, lasting, before, problems);
      if (frontend.tls_context == nullptr) return;  // what is wrong with one is wrong with all
    }
    frontends.push_back(std::move(made));
  }
}

std::shared_ptr<const TlsServerContext> Snapshot::server_context(const Frontend& frontend, const Lasting& lasting,
                                                                 const Snapshot* before,
                                                                 config::Problems& problems) const {
  bool same = before != nullptr && before->certificates == certificates && before->live.tls == live.tls;
  for (size_t i = 0; same && i < before->frontends.size(); ++i) {
    const Frontend& old = *before->frontends[i];
    bool like = old.name == frontend.name && old.protocol == frontend.protocol &&
                old.client_certificate == frontend.client_certificate;
    if (like && old.tls_context) return old.tls_context;
  }
  return TlsServerContext::make(live.tls, *certificates, lasting.keys, frontend.protocol->alpn, frontend.name,
                                frontend.client_certificate, problems);
}

void Snapshot::make_backends(Fleet& fleet, const Snapshot* before, config::Problems& problems) {
  for (size_t i = 0; i < live.backends.size(); ++i) {
    const config::Backend& settings = live.backends[i];
    auto state = fleet.backend(settings.name);
    if (!state) return problems.push_back(config::error_at("backend", state.error().message));
    backend_index_.emplace(settings.name, i);
    auto& row = backends.emplace_back(Backend{settings, *state, {}, sources_of(settings, written_[i], problems)}).tls;
    tells_of_clients = tells_of_clients || settings.trusted;
    if (settings.mechanism != "PLAIN") backends.back().kept = std::make_shared<sasl::KeptKeys>();
    const Backend* old = before != nullptr ? before->find_backend(settings.name) : nullptr;
    for (const Protocol& protocol : protocols()) {
      if (settings.tls.mode == config::Tls::off) {
        row.push_back(nullptr);
        continue;
      }
      auto trusted = trust(i, protocol, before, problems);
      const std::string& name = settings.tls.name.empty() ? settings.host : settings.tls.name;
      auto known = old != nullptr ? old->tls[row.size()] : nullptr;
      bool same = known != nullptr && known->trust() == trusted && known->name() == name;
      row.push_back(same ? known : std::make_shared<TlsClientContext>(trusted, name, settings.tls.verify));
    }
  }
}

void Snapshot::make_pool_limits() {
  for (const config::Pool& pool : live.pools) {
    if (pool.sessions_max == 0) continue;
    PoolLimit& limit = pool_limits[pool.name];
    limit.sessions_max = pool.sessions_max;
    for (const config::Shard& shard : pool.shards) {
      for (const std::string& name : shard.backends) {
        const BackendState* state = backend(name).state;
        bool known = std::find(limit.members.begin(), limit.members.end(), state) != limit.members.end();
        if (!known) limit.members.push_back(state);
      }
    }
  }
}

// Backends with equal options share one set of roots: ten thousand backends do not mean ten thousand CA bundles.
// Options that several share are told to be wrong once, where they stand first.
std::shared_ptr<const TlsTrust> Snapshot::trust(size_t backend, const Protocol& protocol, const Snapshot* before,
                                                config::Problems& problems) {
  const config::TlsClient& tls = live.backends[backend].tls;
  std::string key = trust_key(tls, protocol.alpn);
  auto [place, fresh] = trusts_.try_emplace(key);
  if (!fresh) return place->second;
  if (before != nullptr) {
    auto known = before->trusts_.find(key);
    if (known != before->trusts_.end()) return place->second = known->second;
  }
  config::Problems found;
  place->second = TlsTrust::make(tls, protocol.alpn, config::at_index("backend", written_[backend]) + ".tls", found);
  bool first = &protocol == protocols().data();
  if (first) problems.insert(problems.end(), found.begin(), found.end());
  return place->second;
}

void Published::set(std::shared_ptr<const Snapshot> snapshot) {
  for (const auto& frontend : snapshot->frontends) frontend->state->protocol = frontend->protocol;
  std::lock_guard lock(mutex_);
  snapshot_.swap(snapshot);
}

}  // namespace postigo
