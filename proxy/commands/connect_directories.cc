// Each directory, and each of its servers by itself: it is opened as for service, and asked about a user whom nobody
// has; of an issuer of tokens, about a token that nobody has issued. Not here: what drivers do to open (backends).
#include <utility>

#include <fmt/format.h>

#include "backends/directory/factory.h"
#include "config/report.h"
#include "parser/base/ascii.h"
#include "proxy/commands/bench.h"

namespace postigo::commands {

namespace {

constexpr const char* kNobody = "postigo-check-connect";

// One server of one directory.
struct Trial {
  size_t number = 0;
  config::Auth auth;  // with that directory alone
  Result<std::shared_ptr<const DirectoryShared>> opened = fail("it was not opened");
  std::unique_ptr<Directory> directory;
  std::unique_ptr<Lookup> lookup;
  Ticket pending, patience;
  bool over = false;
};

class Directories final : public Trials {
 public:
  Directories(Bench& bench, const config::Live& live) : bench_(bench), timeout_ms_(live.limits.lookup_timeout_ms) {
    for (size_t i = 0; i < live.auth.directories.size(); ++i) {
      const config::Directory& directory = live.auth.directories[i];
      const std::string key = config::at_index("directory", i);
      if (directory.servers.empty()) begin(directory, where_is(directory), key);
      for (size_t j = 0; j < directory.servers.size(); ++j) {
        config::Directory one = directory;
        one.servers = {directory.servers[j]};
        begin(one, directory.servers[j], config::at_index(key + ".servers", j));
      }
    }
  }

 private:
  static std::string where_is(const config::Directory& x) {
    if (!x.path.empty()) return x.path;
    if (x.type == config::Directory::Type::http) return x.http.url;
    return x.type == config::Directory::Type::oauth ? x.oauth.issuer : std::string();
  }

  // Opening blocks; the thread owns the trial as long as it looks at it.
  void begin(const config::Directory& directory, const std::string& where, const std::string& key) {
    const std::string type(word_of(directory.type));
    auto trial = std::make_shared<Trial>();
    trial->number =
        bench_.begin("directory " + directory.name, where.empty() ? type : fmt::format("{} {}", type, where), key);
    trial->auth.directories = {directory};
    trials_.push_back(trial);
    auto ticket = bench_.env().offload(
        Env::Pool::lookup, {}, [trial] { trial->opened = load_directories(trial->auth); },
        [this, trial] { opened(*trial); });
    if (!ticket) return end(*trial, false, ticket.error().message);
    trial->pending = std::move(*ticket);
  }

  void opened(Trial& trial) {
    if (!trial.opened) return end(trial, false, trial.opened.error().message);
    const SharedSource& source = (*trial.opened)->items().front().source;
    if (!source->warning().empty()) return end(trial, false, source->warning());
    trial.directory = source->make(bench_.env());
    trial.lookup = std::make_unique<Lookup>([this, &trial](LookupResult&& result) { answered(trial, result); });
    trial.patience =
        bench_.env().after(timeout_ms_, [this, &trial] { end(trial, false, "no answer within lookup_timeout"); });
    trial.directory->start(*trial.lookup, question(trial.auth.directories.front()));
  }

  static Query question(const config::Directory& directory) {
    const bool tokens = directory.type == config::Directory::Type::oauth;
    Query query;
    query.user = kNobody;
    query.password = Secret(tokens ? kNobody : "");
    query.mechanism = tokens ? "OAUTHBEARER" : "PLAIN";
    query.protocol = "imap";
    query.client_ip = "127.0.0.1";
    query.want = tokens ? Want::token : Want::placement;
    return query;
  }

  void answered(Trial& trial, const LookupResult& result) {
    const bool bad = result.verdict == Verdict::try_later || result.verdict == Verdict::unusable;
    end(trial, !bad, bad ? result.detail : "answers");
  }

  // What a driver says begins with what stands before it already.
  void end(Trial& trial, bool good, const std::string& text) {
    if (std::exchange(trial.over, true)) return;
    const std::string name = "directory " + trial.auth.directories.front().name + ": ";
    bench_.end(trial.number, good, printable(text.starts_with(name) ? text.substr(name.size()) : text));
  }

  Bench& bench_;
  const uint64_t timeout_ms_;
  std::vector<std::shared_ptr<Trial>> trials_;
};

}  // namespace

std::unique_ptr<Trials> try_directories(Bench& bench, const config::Live& live) {
  return std::make_unique<Directories>(bench, live);
}

}  // namespace postigo::commands
