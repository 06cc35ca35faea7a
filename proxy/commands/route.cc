// `postigo route USER`: the decision that a login of this user would meet, in words. Asks the same directories (without
// a password) and the same Router; connects to nobody.
#include <ctime>
#include <ostream>

#include <fmt/format.h>

#include "backends/directory/sqlite_store.h"
#include "backends/router.h"
#include "config/suggest.h"
#include "config/units.h"
#include "proxy/commands/configuration.h"

namespace postigo::commands {

namespace {

struct Place {
  Identity identity;
  std::string directory = "none configured";  // who knew the user, in words
  bool known = true;
  bool disabled = false;
};

Result<std::optional<Entry>> find_entry(const config::Directory& directory, const std::string& name) {
  if (directory.type == config::Directory::Type::fixed) {
    for (const config::StaticUser& user : directory.users) {
      if (user.name == name) return Entry{user, {}, {}};
    }
    return std::nullopt;
  }
  if (directory.type == config::Directory::Type::oauth) return std::nullopt;  // it knows tokens, not names
  if (directory.type != config::Directory::Type::sqlite) {
    return fail(
        fmt::format("directory {} is a server: ask a running Postigo with `postigo ctl route`", directory.name));
  }
  auto store = SqliteStore::open(directory.path, SqliteStore::Missing::error);
  if (!store) return tl::unexpected(store.error());
  return (*store)->find(name);
}

// What entry.h says about a user's own entry and his domain's, without the password.
void take(const std::optional<Entry>& own, const std::optional<Entry>& domain, Place& place) {
  const Entry& first = own ? *own : *domain;
  bool placed = !first.pool.empty() || !first.shard.empty();
  const Entry& where = placed || !domain ? first : *domain;
  place.identity.pool = where.pool;
  place.identity.shard = where.shard;
  if (own) place.identity.backend_user = own->backend_user;
  place.disabled = (own && own->disabled) || (domain && domain->disabled);
}

Result<Place> find_place(const config::Auth& auth, const std::string& user) {
  Place place;
  place.identity.user = user;
  for (const config::Directory& directory : auth.directories) {
    auto own = find_entry(directory, user);
    auto domain = find_entry(directory, domain_entry_name(user));
    if (!own || !domain) return tl::unexpected(own ? domain.error() : own.error());
    // A domain's entry cannot vouch for a password.
    bool known = own->has_value() || (domain->has_value() && !directory.check_password);
    if (!known) continue;
    take(*own, *domain, place);
    place.directory = fmt::format("{} ({})", directory.name, own->has_value() ? "user" : "domain");
    return place;
  }
  if (auth.directories.empty()) return place;
  place.known = auth.accept_unknown;
  place.directory = auth.accept_unknown ? "unknown to all, accepted (auth.accept_unknown)" : "unknown to all";
  return place;
}

const char* name_of(config::Tls tls) {
  if (tls == config::Tls::off) return "clear text";
  return tls == config::Tls::starttls ? "STARTTLS" : "TLS";
}

std::string describe(const config::Backend& backend, const std::string& protocol) {
  config::Endpoint endpoint{backend.host, backend.port(protocol)};
  return fmt::format("{} ({}, {})", backend.name, config::format_endpoint(endpoint), name_of(backend.tls.mode));
}

void line(Streams io, const char* title, const std::string& text) { io.out << fmt::format("{:<11}{}\n", title, text); }

void print(const Place& place, const Route& route, const std::string& protocol, Streams io) {
  line(io, "pool:", std::string(route.pool));
  line(io, "shard:", std::string(route.shard));
  line(io, "reason:", route.reason);
  for (size_t i = 0; i < route.candidates.size(); ++i) {
    line(io, i == 0 ? "backend:" : "then:", describe(*route.candidates[i], protocol));
  }
  if (!place.identity.backend_user.empty()) line(io, "there as:", place.identity.backend_user);
}

}  // namespace

int route(const RouteOptions& options, Streams io) {
  auto loaded = load_configuration(options.file, io);
  if (!loaded) return kBadConfiguration;
  const config::Config& config = loaded->config;
  std::string protocol = options.protocol.empty() ? config.live.listeners[0].protocol : options.protocol;
  Router router(config.live);
  auto place = find_place(config.live.auth, router.normalise(options.user));
  if (!place) {
    io.err << "postigo: " << place.error().message << '\n';
    return kFailed;
  }
  line(io, "user:", place->identity.user);
  line(io, "protocol:", protocol);
  line(io, "directory:", place->directory);
  if (!place->known || place->disabled) {
    line(io, "login:", place->disabled ? "refused: disabled" : "refused: unknown");
    return kFailed;
  }
  auto route = router.explain(place->identity, protocol, std::time(nullptr));
  if (!route) {
    io.err << "postigo: " << route.error().message << '\n';
    return kFailed;
  }
  print(*place, *route, protocol, io);
  return kOk;
}

}  // namespace postigo::commands
