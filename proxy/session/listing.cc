// Not here: the walk over the sessions (session/roll.cc), what is done to them (control/verbs_sessions.cc).
#include "proxy/session/listing.h"

#include "proxy/session/host.h"
#include "proxy/session/session.h"

namespace postigo {
namespace {

bool fits_text(const std::string& wanted, std::string_view is) { return wanted.empty() || wanted == is; }

}  // namespace

SessionRow row_of(Session& session) {
  const Summary& summary = session.summary();
  SessionRow row;
  row.id = summary.id.view();
  row.user = summary.user;
  row.authenticated = summary.authenticated;
  row.client = summary.client.text();
  row.listener = summary.listener;
  row.protocol = summary.protocol;
  row.phase = name_of(session.phase());
  row.backend = summary.backend;
  row.tls = *summary.tls_version != 0 ? summary.tls_version : "none";
  row.seconds = static_cast<double>(session.host().loop().now_ms() - summary.start_ms) / 1000.0;
  row.bytes_in = summary.bytes_from_client;
  row.bytes_out = summary.bytes_from_backend;
  return row;
}

bool SessionFilter::empty() const {
  return user.empty() && id.empty() && !network && backend.empty() && listener.empty() && protocol.empty();
}

bool SessionFilter::fits(Session& session) const {
  const Summary& summary = session.summary();
  const bool same = fits_text(user, summary.user) || (!login.empty() && login == summary.user);
  return same && fits_text(id, summary.id.view()) && fits_text(backend, summary.backend) &&
         fits_text(listener, summary.listener) && fits_text(protocol, summary.protocol) &&
         (!network || network->contains(summary.client.octets()));
}

}  // namespace postigo
