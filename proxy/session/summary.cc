// The line itself. A name that nobody has verified is called claimed_user, so that a reader (or fail2ban) cannot take
// one for the other (T62).
#include "proxy/session/summary.h"

#include "proxy/base/log.h"

namespace postigo {

void write(const Summary& s) {
  if (!log::enabled(log::Level::info)) return;
  log::Fields fields = {{"id", s.id}, {"protocol", s.protocol}, {"listener", s.listener}};
  std::string client = s.client.text();
  fields.push_back({"client", client});
  if (!s.user.empty()) fields.push_back({s.authenticated ? "user" : "claimed_user", s.user});
  fields.push_back({"tls", *s.tls_version != 0 ? s.tls_version : "none"});
  if (*s.tls_version != 0) {
    fields.push_back({"cipher", s.tls_cipher});
    fields.push_back({"resumed", s.tls_resumed});
  }
  if (!s.mechanism.empty()) fields.push_back({"mechanism", s.mechanism});
  if (!s.backend.empty()) {
    fields.push_back({"backend", s.backend});
    fields.push_back({"shard", s.shard});
    fields.push_back({"backend_tls", s.backend_tls});
  }
  fields.push_back({"bytes_in", s.bytes_from_client});
  fields.push_back({"bytes_out", s.bytes_from_backend});
  fields.push_back({"commands", s.commands});
  if (s.failures != 0) fields.push_back({"login_failures", s.failures});
  fields.push_back({"seconds", static_cast<double>(s.end_ms - s.start_ms) / 1000.0});
  fields.push_back({"phase", name_of(s.phase)});
  if (!s.state.empty()) fields.push_back({"state", s.state});
  fields.push_back({"reason", name_of(s.reason)});
  if (!s.detail.empty()) fields.push_back({"detail", s.detail});
  log::info("session", fields);
}

}  // namespace postigo
