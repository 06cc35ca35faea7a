// Where the log goes, and what the journal and syslog may be told. Not here: whether somebody listens there (log.h).
#include <fmt/format.h>

#include <algorithm>

#include "config/check.h"
#include "config/check_shared.h"
#include "config/suggest.h"
#include "config/units.h"

namespace postigo::config {
namespace {

constexpr size_t kAppNameMax = 48;  // RFC 5424 6.2.5
constexpr size_t kSdNameMax = 32;   // 6.3.2
constexpr double kKeepMin = 0.001;  // as numbers are written in lines

// PRINTUSASCII of RFC 5424 6.
bool is_word(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

void check_identifier(const std::string& x, Report& report) {
  if (!x.empty() && x.size() <= kAppNameMax && is_word(x)) return;
  report.error("log.identifier",
               in_quotes(x) + " is no name of a program: at most 48 visible characters of ASCII, without blanks");
}

// name@number: names without a number are the IANA's.
void check_structured_data(const std::string& x, Report& report) {
  if (x.empty()) return;
  const size_t at = x.find('@');
  const bool form = at != 0 && at != std::string::npos && at + 1 < x.size() &&
                    x.find_first_not_of("0123456789.", at + 1) == std::string::npos;
  if (form && x.size() <= kSdNameMax && is_word(x) && x.find_first_of("=]\"") == std::string::npos) return;
  report.error("log.structured_data",
               in_quotes(x) + " is no SD-ID of your own (RFC 5424 6.3.2), as in \"postigo@32473\"");
}

// An address and no name: nobody may wait for a name server in order to say something.
void check_server(const std::string& x, Report& report) {
  if (x.starts_with('/')) return;
  const std::string path = "log.syslog_server";
  if (!x.starts_with("udp:")) {
    return report.error(path, in_quotes(x) + " is neither a path, as in \"/dev/log\", nor as \"udp:192.0.2.1:514\"");
  }
  auto endpoint = parse_endpoint(std::string_view(x).substr(4), 514);
  if (!endpoint) return report.error(path, endpoint.error().message);
  if (!canonical_ip(endpoint->host)) {
    report.error(path, in_quotes(endpoint->host) + " is a name: write its address");
  }
}

// What was changed, but says nothing to the target.
void check_unused(const Log& x, Report& report) {
  const Log usual;
  const bool stream = x.target == Log::Target::stream, journal = x.target == Log::Target::journal,
             syslog = x.target == Log::Target::syslog;
  auto unused = [&](const char* key, bool used, bool changed, const char* targets) {
    if (!used && changed) report.warning(key, fmt::format("has no effect without target = {}", targets));
  };
  unused("log.priorities", stream, x.priorities != usual.priorities, "\"stream\"");
  unused("log.identifier", !stream, x.identifier != usual.identifier, "\"journal\" or \"syslog\"");
  unused("log.facility", !stream, x.facility != usual.facility, "\"journal\" or \"syslog\"");
  unused("log.journal_socket", journal, x.journal_socket != usual.journal_socket, "\"journal\"");
  unused("log.syslog_server", syslog, x.syslog_server != usual.syslog_server, "\"syslog\"");
  unused("log.structured_data", syslog, x.structured_data != usual.structured_data, "\"syslog\"");
}

void check_sample(const Live& live, const LogSample& x, const std::string& path, Report& report) {
  if (!report.has(path + ".keep")) report.error(path, "keep must be set: the share of the sessions that is logged");
  if (x.keep > 1 || (x.keep != 0 && x.keep < kKeepMin)) {
    report.error(path + ".keep", "must be a share from 0.001 to 1, or 0");
  }
  if (!x.user.empty() && !is_pattern(x.user)) {
    report.error(path + ".user", in_quotes(x.user) + " is neither a name, nor \"*@\" and a domain, nor \"*\"");
  }
  if (!x.listener.empty()) {
    std::vector<std::string> listeners;
    for (const Listener& listener : live.listeners) listeners.push_back(listener.name);
    check_reference(x.listener, listeners, "listener", path + ".listener", report);
  }
  check_networks(x.networks, path + ".networks", report);
}

// Whoever `inner` is for, `outer` is, as far as can be seen at once.
bool covers(const LogSample& outer, const LogSample& inner) {
  return (outer.listener.empty() || outer.listener == inner.listener) &&
         (outer.user.empty() || outer.user == "*" || outer.user == inner.user) &&
         (outer.networks.empty() || outer.networks == inner.networks);
}

void check_reach(const std::vector<LogSample>& samples, size_t index, Report& report) {
  for (size_t i = 0; i < index; ++i) {
    if (!covers(samples[i], samples[index])) continue;
    report.warning(at_index("log.sample", index),
                   fmt::format("is never reached: sample {} is for all of its sessions, and comes first", i + 1));
    return;
  }
}

}  // namespace

void check_log(const Live& live, Report& report) {
  const Log& x = live.log;
  if (x.target != Log::Target::stream && !x.file.empty()) {
    report.error("log.file", "goes with target = \"stream\" only: lines go to one place");
  }
  check_identifier(x.identifier, report);
  check_structured_data(x.structured_data, report);
  check_server(x.syslog_server, report);
  if (x.journal_socket.empty()) report.error("log.journal_socket", "must not be empty");
  check_unused(x, report);
  for (size_t i = 0; i < x.samples.size(); ++i) {
    check_sample(live, x.samples[i], at_index("log.sample", i), report);
    check_reach(x.samples, i, report);
  }
}

}  // namespace postigo::config
