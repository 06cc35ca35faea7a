// `postigo check --connect`: whatever the configuration connects to is tried once, side by side, as the account that
// will do so, and told in a line each. Not here: the trials (connect_*.cc).
#include "proxy/commands/connect.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ostream>

#include <fcntl.h>
#include <fmt/format.h>

#include "config/report.h"
#include "proxy/commands/bench.h"
#include "proxy/commands/configuration.h"
#include "proxy/commands/json.h"

namespace postigo::commands {

namespace {

// Beyond what any trial may take by itself.
constexpr uint64_t kPatienceMs = 120'000;

void tell_text(const std::vector<Tried>& all, Streams io) {
  for (const Tried& each : all) {
    io.out << fmt::format("{} {}: {}{}\n", each.good ? "ok  " : "FAIL", each.what, each.where,
                          each.good ? fmt::format(" ({}, {} ms)", each.text, each.took_ms) : ": " + each.text);
  }
}

void tell_json(const std::vector<Tried>& all, Streams io) {
  Json json = Json::array();
  for (const Tried& each : all) {
    json.push_back({{"what", each.what},
                    {"where", each.where},
                    {"good", each.good},
                    {"text", each.text},
                    {"milliseconds", each.took_ms}});
  }
  io.out << json.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
}

// With the place in the file that names it.
void tell_places(const config::Loaded& loaded, const std::vector<Tried>& all, Streams io) {
  for (const Tried& each : all) {
    if (each.good || each.key.empty()) continue;
    io.err << to_string(loaded.placed(config::warning_at(each.key, each.where + ": " + each.text))) << '\n';
  }
}

// As the account that serves: what only root could read, a reload cannot read again.
void try_files(Bench& bench, const Snapshot& snapshot) {
  const config::TlsServer& tls = snapshot.live.tls;
  auto look = [&bench](const std::string& file, const std::string& key) {
    if (file.empty()) return;
    const size_t trial = bench.begin("file", file, key);
    const bool good = faccessat(AT_FDCWD, file.c_str(), R_OK, AT_EACCESS) == 0;
    bench.end(trial, good, good ? "readable" : fmt::format("{}: a reload could not read it", std::strerror(errno)));
  };
  for (size_t i = 0; i < tls.certificates.size(); ++i) {
    const std::string path = config::at_index("tls.certificate", i);
    look(tls.certificates[i].certificate_file, path + ".certificate");
    if (tls.certificates[i].key_file != tls.certificates[i].certificate_file) {
      look(tls.certificates[i].key_file, path + ".key");
    }
  }
  look(tls.client_ca_file, "tls.client_ca");
  look(tls.client_crl_file, "tls.client_crl");
}

}  // namespace

void look_deeper(config::Config& config) {
  for (config::Backend& backend : config.live.backends) {
    backend.health.level = backend.health.user.empty() ? config::Health::Level::greeting : config::Health::Level::login;
  }
}

int connect(const config::Loaded& loaded, const Prepared& prepared, bool json, Streams io) {
  const config::Live& live = prepared.snapshot->live;
  AsAccount as_account(loaded);
  Bench bench(live);
  {
    try_files(bench, *prepared.snapshot);
    auto backends = try_backends(bench, prepared.snapshot, loaded.config.live);
    auto directories = try_directories(bench, live);
    auto services = try_services(bench, live);
    bench.run(kPatienceMs);
  }
  json ? tell_json(bench.tried(), io) : tell_text(bench.tried(), io);
  tell_places(loaded, bench.tried(), io);
  const bool good =
      std::all_of(bench.tried().begin(), bench.tried().end(), [](const Tried& each) { return each.good; });
  return good ? kOk : kFailed;
}

}  // namespace postigo::commands
