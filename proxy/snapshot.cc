// Making a Snapshot: everything that can fail fails here, before any session depends on it.
#include "proxy/snapshot.h"

#include <tuple>

#include "parser/base/ascii.h"
#include "proxy/base/events.h"

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

size_t Snapshot::backend_index(const config::Backend& backend) const {
  return backend_index_.find(backend.name)->second;
}

Result<std::shared_ptr<Snapshot>> Snapshot::make(const config::Config& config, std::shared_ptr<TicketKeys> keys) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->live = config.live;
  for (size_t i = 0; i < config.live.backends.size(); ++i) snapshot->backend_index_[config.live.backends[i].name] = i;
  snapshot->router = std::make_unique<Router>(config.live);
  if (auto made = snapshot->make_frontends(config, keys); !made) return tl::unexpected(made.error());
  if (auto made = snapshot->make_backend_tls(); !made) return tl::unexpected(made.error());
  for (const config::Backend& backend : snapshot->live.backends) {
    snapshot->backend_outages.push_back(
        std::make_unique<Outage>(events::backend_away, events::backend_back, backend.name));
  }
  snapshot->directory_outage = std::make_unique<Outage>(events::directory_away, events::directory_back, "");
  return snapshot;
}

Result<void> Snapshot::open_directories() {
  auto opened = load_directories(live.auth);
  if (!opened) return tl::unexpected(opened.error());
  directories = *opened;
  return {};
}

Result<void> Snapshot::make_frontends(const config::Config& config, const std::shared_ptr<TicketKeys>& keys) {
  auto imap = capability_policy(live.imap);
  auto pop3 = capability_policy(live.pop3);
  for (const std::string& name : live.auth.mechanisms) pop3->sasl += (pop3->sasl.empty() ? "SASL " : " ") + name;
  for (const config::Listener& listener : config.startup.listeners) {
    Frontend frontend;
    frontend.index = frontends.size();
    frontend.name = listener.name;
    frontend.protocol = find_protocol(listener.protocol);
    if (frontend.protocol == nullptr) return fail("listener " + listener.name + ": unknown protocol");
    frontend.protocol_index = static_cast<size_t>(frontend.protocol - protocols().data());
    frontend.tls = listener.tls;
    frontend.policy.hostname = config.startup.hostname;
    frontend.policy.starttls_offered = listener.tls == config::Tls::starttls;
    frontend.policy.plaintext_login_allowed = listener.plaintext_login;
    frontend.policy.mechanisms = live.auth.mechanisms;
    frontend.policy.capabilities = listener.protocol == "pop3" ? pop3 : imap;
    if (listener.tls != config::Tls::off) {
      if (certificates == nullptr) {
        auto loaded = CertificateStore::load(live.tls);
        if (!loaded) return tl::unexpected(loaded.error());
        certificates = *loaded;
      }
      auto context = TlsServerContext::make(live.tls, certificates, keys, frontend.protocol->alpn, listener.name);
      if (!context) return tl::unexpected(context.error());
      frontend.tls_context = *context;
    }
    frontends.push_back(std::move(frontend));
  }
  return {};
}

Result<void> Snapshot::make_backend_tls() {
  std::map<TrustKey, std::shared_ptr<const TlsTrust>> shared;
  for (const config::Backend& backend : live.backends) {
    auto& row = backend_tls.emplace_back();
    for (const Protocol& protocol : protocols()) {
      const config::TlsClient& tls = backend.tls;
      if (tls.mode == config::Tls::off) {
        row.push_back(nullptr);
        continue;
      }
      auto& trust = shared[TrustKey{tls.ca_file, tls.verify, tls.certificate_file, tls.key_file, tls.min_version,
                                    tls.ciphers, protocol.alpn}];
      if (trust == nullptr) {
        auto made = TlsTrust::make(tls, protocol.alpn);
        if (!made) return fail("backend " + backend.name + ": " + made.error().message);
        trust = *made;
      }
      row.push_back(std::make_unique<TlsClientContext>(trust, tls.name.empty() ? backend.host : tls.name, tls.verify));
    }
  }
  return {};
}

}  // namespace postigo
