// Joins what config/ finds with what only others can find, and gives every finding its line. Decides nothing about how
// a server would run.
#include "proxy/commands/configuration.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <charconv>
#include <memory>
#include <ostream>
#include <string_view>

#include "backends/directory/factory.h"
#include "backends/router.h"
#include "config/report.h"
#include "parser/dialogue.h"
#include "proxy/net/ticket_keys.h"
#include "proxy/net/tls_context.h"

namespace postigo::commands {

namespace {

class Teller {
 public:
  Teller(const config::Loaded& loaded, std::ostream& err) : loaded_(loaded), err_(err) {}

  void error(const std::string& key, const std::string& message) {
    ok_ = false;
    tell({"", 0, 0, key, message, true});
  }
  void warning(const std::string& key, const std::string& message) { tell({"", 0, 0, key, message, false}); }
  bool ok() const { return ok_; }

 private:
  void tell(config::Problem problem) { err_ << to_string(loaded_.placed(std::move(problem))) << '\n'; }

  const config::Loaded& loaded_;
  std::ostream& err_;
  bool ok_ = true;
};

// Router numbers rules from 1, as people do; places in the file are indexes.
std::string indexed(const std::string& key) {
  constexpr std::string_view kRule = "routing.rule ";
  size_t number = 0;
  if (!key.starts_with(kRule)) return key;
  auto [end, error] = std::from_chars(key.data() + kRule.size(), key.data() + key.size(), number);
  if (error != std::errc() || number == 0) return key;
  return config::at_index("routing.rule", number - 1) + ".regex";
}

void check_account(const config::Startup& startup, Teller& teller) {
  if (!startup.user.empty() && ::getpwnam(startup.user.c_str()) == nullptr) {
    teller.warning("server.user", "this machine has no such user");
  }
  if (!startup.group.empty() && ::getgrnam(startup.group.c_str()) == nullptr) {
    teller.warning("server.group", "this machine has no such group");
  }
}

// One at a time, so that every bad one is told.
void check_certificates(const config::TlsServer& tls, Teller& teller) {
  bool good = true;
  for (size_t i = 0; i < tls.certificates.size(); ++i) {
    config::TlsServer one = tls;
    one.certificates = {tls.certificates[i]};
    auto loaded = CertificateStore::load(one);
    if (loaded) continue;
    teller.error(config::at_index("tls.certificate", i), loaded.error().message);
    good = false;
  }
  if (!good || tls.certificates.empty()) return;
  auto all = CertificateStore::load(tls);
  if (!all) return teller.error("tls", all.error().message);
  auto keys = std::make_shared<TicketKeys>(tls.ticket_rotation_ms);
  auto context = TlsServerContext::make(tls, *all, keys, "imap", "check");
  if (!context) teller.error("tls", context.error().message);
}

void check_backends(const config::Live& live, Teller& teller) {
  for (size_t i = 0; i < live.backends.size(); ++i) {
    if (live.backends[i].tls.mode == config::Tls::off) continue;
    auto trust = TlsTrust::make(live.backends[i].tls, "imap");
    if (!trust) teller.error(config::at_index("backend", i) + ".tls", trust.error().message);
  }
}

void check_directories(const config::Auth& auth, Teller& teller) {
  for (size_t i = 0; i < auth.directories.size(); ++i) {
    config::Auth one = auth;
    one.directories = {auth.directories[i]};
    auto loaded = load_directories(one);
    if (loaded) continue;
    const std::string& path = auth.directories[i].path;
    bool missing = !path.empty() && ::access(path.c_str(), F_OK) != 0;
    teller.error(config::at_index("directory", i),
                 loaded.error().message + (missing ? " (`postigo user add` or `import` makes it)" : ""));
  }
}

}  // namespace

std::optional<config::Loaded> load_configuration(const std::string& file, Streams io) {
  config::Loaded loaded = config::load_file(file);
  for (const config::Problem& problem : loaded.problems) io.err << to_string(problem) << '\n';
  if (!loaded.ok()) return std::nullopt;
  Teller teller(loaded, io.err);
  for (const config::Problem& problem : Router::check(loaded.config.live)) {
    teller.error(indexed(problem.key), problem.message);
  }
  if (!teller.ok()) return std::nullopt;
  return loaded;
}

bool check_contents(const config::Loaded& loaded, Streams io) {
  Teller teller(loaded, io.err);
  check_account(loaded.config.startup, teller);
  check_certificates(loaded.config.live.tls, teller);
  check_backends(loaded.config.live, teller);
  check_directories(loaded.config.live.auth, teller);
  return teller.ok();
}

}  // namespace postigo::commands
