// The lines of a session. A name that nobody has verified is called claimed_user, so that a reader (or fail2ban) cannot
// take one for the other (T62).
#include "proxy/session/summary.h"

#include <fmt/format.h>

#include "proxy/base/events.h"
#include "proxy/net/address_text.h"

namespace postigo {
namespace {

void add_tls(log::Fields& fields, const Summary& s) {
  fields.push_back({"tls", *s.tls_version != 0 ? s.tls_version : "none"});
  if (*s.tls_version == 0) return;
  fields.push_back({"cipher", s.tls_cipher});
  fields.push_back({"resumed", s.tls_resumed});
}

void add_delay(log::Fields& fields, const Summary& s) {
  if (s.delayed_ms != 0) fields.push_back({"delayed", static_cast<double>(s.delayed_ms) / 1000.0});
}

void add_keep(log::Fields& fields, const Summary& s) {
  if (s.keep != 1) fields.push_back({"keep", s.keep});
}

// As the balancer calls them.
void add_via_names(log::Fields& fields, const Summary& s) {
  if (s.proxied == nullptr) return;
  if (!s.proxied->alpn.empty()) fields.push_back({"via_alpn", s.proxied->alpn});
  if (!s.proxied->id.empty()) fields.push_back({"via_id", s.proxied->id});
}

// Empty without a balancer.
std::string via_of(const Summary& s) { return s.proxied != nullptr ? s.proxied->via.text() : ""; }

double seconds_of(const Summary& s) { return static_cast<double>(s.end_ms - s.start_ms) / 1000.0; }

void write_probe(const Summary& s) {
  if (!log::enabled(events::probe)) return;
  const AddressText client(s.client);
  std::string via = via_of(s);
  log::Fields fields = {{"id", s.id}, {"protocol", s.protocol}, {"listener", s.listener}, {"client", client}};
  if (!via.empty()) fields.push_back({"via", via});
  fields.push_back({"seconds", seconds_of(s)});
  log::write(events::probe, fields);
}

}  // namespace

Address local_address(const Summary& s, const Socket& client) {
  return s.proxied != nullptr && s.proxied->local ? *s.proxied->local : client.local();
}

std::string name_asked_for(const Summary& s, const Socket& client) {
  if (s.proxied != nullptr && s.proxied->speaks) return s.proxied->name;
  std::string name = client.tls() != nullptr ? client.tls()->server_name() : "";
  return name.empty() && s.proxied != nullptr ? s.proxied->name : name;
}

void sample(Summary& s, const LogSamples& samples) {
  if (samples.rules.empty() || s.refused != 0 || log::enabled(events::phase)) return;
  s.keep = share_of(samples, s.listener, s.user, s.client.octets());
  s.left_out = !is_kept(s.id, s.keep);
}

void write(const Summary& s) {
  if (s.trace) s.trace->note(fmt::format("the end: {} {}", name_of(s.reason), s.detail));
  if (s.reason == CloseReason::probe) return write_probe(s);
  if (s.left_out) return log::leave_out(events::session);
  if (!log::enabled(events::session)) return;
  log::Fields fields;
  fields.push_back({"id", s.id});
  fields.push_back({"protocol", s.protocol});
  fields.push_back({"listener", s.listener});
  const AddressText client(s.client);
  fields.push_back({"client", client});
  std::string via = via_of(s);
  if (!via.empty()) fields.push_back({"via", via});
  if (!s.user.empty()) fields.push_back({s.authenticated ? "user" : "claimed_user", s.user});
  add_tls(fields, s);
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
  fields.push_back({"seconds", seconds_of(s)});
  fields.push_back({"phase", name_of(s.phase)});
  if (!s.state.empty()) fields.push_back({"state", s.state});
  fields.push_back({"reason", name_of(s.reason)});
  if (!s.detail.empty()) fields.push_back({"detail", s.detail});
  add_keep(fields, s);
  add_via_names(fields, s);
  if (s.authenticated) return log::write(events::session, fields);
  log::write_bounded(events::session, fields);
}

void write_login(const Summary& s, const Socket* client, const Socket& backend, double seconds,
                 std::string_view authcid) {
  if (s.trace) s.trace->note(fmt::format("{} is logged in at {} ({})", s.user, s.backend, backend.peer().text()));
  if (s.left_out) return log::leave_out(events::login);
  if (!log::enabled(events::login)) return;
  const AddressText from(s.client), backend_local(backend.local()), backend_address(backend.peer());
  const std::string via = via_of(s);
  std::string sni = client != nullptr ? name_asked_for(s, *client) : "";
  log::Fields fields;
  fields.push_back({"id", s.id});
  fields.push_back({"client", from});
  if (!via.empty()) fields.push_back({"via", via});
  const AddressText local(client != nullptr ? local_address(s, *client) : Address());
  if (client != nullptr) fields.push_back({"local", local});
  fields.push_back({"backend_local", backend_local});
  fields.push_back({"backend_address", backend_address});
  fields.push_back({"protocol", s.protocol});
  fields.push_back({"listener", s.listener});
  fields.push_back({"user", s.user});
  if (!authcid.empty()) fields.push_back({"authcid", authcid});
  fields.push_back({"mechanism", s.mechanism});
  add_tls(fields, s);
  fields.push_back({"backend", s.backend});
  fields.push_back({"shard", s.shard});
  fields.push_back({"backend_tls", s.backend_tls});
  if (const Tls* tls = backend.tls()) {
    fields.push_back({"backend_tls_version", tls->version()});
    fields.push_back({"backend_cipher", tls->cipher()});
  }
  if (s.failures != 0) fields.push_back({"login_failures", s.failures});
  fields.push_back({"seconds", seconds});
  add_delay(fields, s);
  add_keep(fields, s);
  if (s.proxied != nullptr && s.proxied->ssl) {
    const std::string& version = s.proxied->ssl->version;
    fields.push_back({"via_tls", version.empty() ? std::string_view("yes") : version});
  }
  add_via_names(fields, s);
  if (!sni.empty()) fields.push_back({"sni", sni});
  log::write(events::login, fields);
}

// What the client chose comes last: no name can stand where a reader expects the address.
void write_refused(const Summary& s, Refused reason, std::string_view backend, std::string_view code) {
  if (s.trace) s.trace->note(fmt::format("login of {} refused: {} {} {}", s.user, name_of(reason), backend, code));
  if (!log::enabled(events::login_refused)) return;
  const AddressText client(s.client);
  std::string via = via_of(s);
  log::Fields fields = {{"id", s.id}, {"client", client}, {"reason", name_of(reason)}};
  if (!via.empty()) fields.push_back({"via", via});
  fields.push_back({"protocol", s.protocol});
  fields.push_back({"listener", s.listener});
  fields.push_back({"mechanism", s.mechanism});
  fields.push_back({"tls", *s.tls_version != 0 ? s.tls_version : "none"});
  fields.push_back({"attempt", s.refused});
  if (!backend.empty()) fields.push_back({"backend", backend});
  if (!code.empty()) fields.push_back({"code", code});
  add_delay(fields, s);
  fields.push_back({"claimed_user", s.user});
  log::write_bounded(events::login_refused, fields);
}

void write_step(const Summary& s, std::string_view side, std::string_view state, Event event, unsigned commands) {
  constexpr std::string_view kSteps[] = {"need_input", "start_tls", "authenticate", "secret",      "abandoned",
                                         "logged_in",  "refused",   "ready",        "unavailable", "hang_up"};
  if (s.trace) s.trace->note(fmt::format("{}: {} in state {}", side, kSteps[static_cast<size_t>(event)], state));
  if (!log::enabled(events::dialogue)) return;
  log::write(events::dialogue, {{"id", s.id},
                                {"side", side},
                                {"state", state},
                                {"step", kSteps[static_cast<size_t>(event)]},
                                {"commands", commands}});
}

}  // namespace postigo
