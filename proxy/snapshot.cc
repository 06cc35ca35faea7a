// Making a Snapshot: everything that can fail fails here, before any session depends on it.
#include "proxy/snapshot.h"

#include <unistd.h>

#include <cerrno>
#include <map>
#include <tuple>

#include "config/report.h"
#include "parser/base/ascii.h"

namespace postigo {
namespace {

std::shared_ptr<CapabilityPolicy> capability_policy(const config::Capabilities& options) {
  auto policy = std::make_shared<CapabilityPolicy>();
  for (const std::string& name : options.hide) policy->hide.push_back(upper(name));
  for (const std::string& name : options.add) policy->add.push_back(upper(name));
  for (const std::string& name : options.before_login) policy->before_login.push_back(upper(name));
  policy->allow_compress = options.allow_compress;
  return policy;
}

// Backends with equal options share one set of roots: ten thousand backends do not mean ten thousand CA bundles.
using TrustKey = std::tuple<std::string, bool, std::string, std::string, uint16_t, std::string, std::string_view>;

}  // namespace

const Backend& Snapshot::backend(std::string_view name) const { return backends[backend_index_.find(name)->second]; }

std::shared_ptr<Snapshot> Snapshot::make(const config::Config& config, Lasting& lasting, config::Problems& problems) {
  auto snapshot = std::make_shared<Snapshot>();
  config::Problems found;
  snapshot->live = config.live;
  snapshot->router = std::make_unique<Router>(config.live);
  // All that are configured, so that one which no listener needs today is known to be good tomorrow.
  if (!config.live.tls.certificates.empty()) snapshot->certificates = CertificateStore::load(config.live.tls, found);
  snapshot->make_frontends(config, lasting, found);
  snapshot->make_backends(lasting.fleet, found);
  problems.insert(problems.end(), found.begin(), found.end());
  return any_fatal(found) ? nullptr : snapshot;
}

bool Snapshot::open_directories(config::Problems& problems) {
  directories = postigo::open_directories(live.auth, problems);
  return directories != nullptr;
}

std::shared_ptr<const DirectoryShared> open_directories(const config::Auth& auth, config::Problems& problems) {
  if (auto opened = load_directories(auth)) return *opened;
  for (size_t i = 0; i < auth.directories.size(); ++i) {  // one by one: every bad one is told
    config::Auth one = auth;
    one.directories = {auth.directories[i]};
    auto opened = load_directories(one);
    if (opened) continue;
    const std::string& path = one.directories[0].path;
    bool missing = !path.empty() && ::access(path.c_str(), F_OK) != 0 && errno == ENOENT;
    const char* hint = missing ? " (`postigo user add` or `import` makes it)" : "";
    problems.push_back(config::error_at(config::at_index("directory", i), opened.error().message + hint));
  }
  return nullptr;
}

void Snapshot::make_frontends(const config::Config& config, Lasting& lasting, config::Problems& problems) {
  auto imap = capability_policy(live.imap);
  auto pop3 = capability_policy(live.pop3);
  for (const std::string& name : live.auth.mechanisms) pop3->sasl += (pop3->sasl.empty() ? "SASL " : " ") + name;
  for (const config::Listener& listener : config.startup.listeners) {
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
    frontend.protocol_index = static_cast<size_t>(frontend.protocol - protocols().data());
    frontend.tls = listener.tls;
    frontend.policy.hostname = config.startup.hostname;
    frontend.policy.starttls_offered = listener.tls == config::Tls::starttls;
    frontend.policy.plaintext_login_allowed = listener.plaintext_login;
    frontend.policy.mechanisms = live.auth.mechanisms;
    frontend.policy.capabilities = listener.protocol == "pop3" ? pop3 : imap;
    if (listener.tls != config::Tls::off) {
      if (certificates == nullptr) return;  // told already
      frontend.tls_context = TlsServerContext::make(live.tls, *certificates, lasting.keys, frontend.protocol->alpn,
                                                    listener.name, problems);
      if (frontend.tls_context == nullptr) return;  // what is wrong with one is wrong with all
    }
    frontends.push_back(std::move(made));
  }
}

void Snapshot::make_backends(Fleet& fleet, config::Problems& problems) {
  std::map<TrustKey, std::shared_ptr<const TlsTrust>> shared;
  for (size_t i = 0; i < live.backends.size(); ++i) {
    const config::TlsClient& tls = live.backends[i].tls;
    auto state = fleet.backend(live.backends[i].name);
    if (!state) return problems.push_back(config::error_at("backend", state.error().message));
    backend_index_.emplace(live.backends[i].name, i);
    auto& row = backends.emplace_back(Backend{live.backends[i], *state, {}}).tls;
    for (const Protocol& protocol : protocols()) {
      if (tls.mode == config::Tls::off) {
        row.push_back(nullptr);
        continue;
      }
      TrustKey key{tls.ca_file,     tls.verify,  tls.certificate_file, tls.key_file,
                   tls.min_version, tls.ciphers, protocol.alpn};
      auto [trust, fresh] = shared.try_emplace(key);
      // Options that several share are told to be wrong once, where they stand first.
      config::Problems found;
      if (fresh) {
        trust->second = TlsTrust::make(tls, protocol.alpn, config::at_index("backend", i) + ".tls", found);
        bool first = &protocol == protocols().data();
        if (first) problems.insert(problems.end(), found.begin(), found.end());
      }
      const std::string& name = tls.name.empty() ? live.backends[i].host : tls.name;
      row.push_back(std::make_shared<TlsClientContext>(trust->second, name, tls.verify));
    }
  }
}

}  // namespace postigo
