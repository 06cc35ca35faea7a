// The table of drivers. A new driver is one file with a DirectorySource and one row here. Not here: anything that a
// driver does.
#include "backends/directory/factory.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "backends/directory/cache/cached.h"
#include "backends/directory/chain.h"
#include "backends/directory/password.h"

namespace postigo {
namespace {

constexpr DirectoryDriver kDrivers[] = {
    {config::Directory::Type::fixed, load_static_directory},
    {config::Directory::Type::sqlite, load_sqlite_directory},
    {config::Directory::Type::http, load_http_directory},
    {config::Directory::Type::postgresql, load_postgresql_directory},
    {config::Directory::Type::mysql, load_mysql_directory},
    {config::Directory::Type::redis, load_redis_directory},
    {config::Directory::Type::oauth, load_oauth_directory},
    {config::Directory::Type::ldap, load_ldap_directory},
    {config::Directory::Type::pam, load_pam_directory},
    {config::Directory::Type::passwd_file, load_passwd_file_directory},
};

Result<SharedSource> load(const config::Directory& directory, const DirectoryShared* before) {
  // What stands in the file has neither connections nor a cache, and may be large.
  const bool kept = directory.type != config::Directory::Type::fixed;
  if (kept && before != nullptr) {
    for (const DirectoryShared::Item& item : before->items()) {
      if (item.settings == directory) return item.source;
    }
  }
  auto driver = std::find_if(std::begin(kDrivers), std::end(kDrivers),
                             [&](const DirectoryDriver& row) { return row.type == directory.type; });
  if (driver == std::end(kDrivers)) return fail("directory " + directory.name + ": no driver for its type");
  auto source = driver->load(directory);
  if (!source || !directory.cache.enabled) return source;
  return cached(std::move(*source), directory);
}

bool spends_hashes(const DirectoryShared::Item& item) { return item.settings.check_password && item.source->hashes(); }

}  // namespace

DirectoryShared::DirectoryShared(std::vector<Item> items, bool accept_unknown, std::shared_ptr<ScramShapes> shapes)
    : items_(std::move(items)), accept_unknown_(accept_unknown), scram_shapes_(std::move(shapes)) {
  curious_ = std::any_of(items_.begin(), items_.end(), [](const Item& item) { return item.source->curious(); });
  auto checks = std::find_if(items_.begin(), items_.end(), spends_hashes);
  if (checks != items_.end()) decoy_ = checks->source->decoy();
  if (scram_shapes_ != nullptr) return;
  scram_shapes_ = std::make_shared<ScramShapes>();
  const StoredSecret sample = stored_secret(decoy_, "", "");  // without a mechanism nothing is made, only read
  if (sample.sha1) scram_shapes_->saw(ScramHash::sha1, *sample.sha1);
  if (sample.sha256) scram_shapes_->saw(ScramHash::sha256, *sample.sha256);
}

Result<std::shared_ptr<const DirectoryShared>> load_directories(const config::Auth& auth,
                                                                const DirectoryShared* before) {
  std::vector<DirectoryShared::Item> items;
  for (const config::Directory& directory : auth.directories) {
    Result<SharedSource> source = load(directory, before);
    if (!source) return tl::unexpected(source.error());
    items.push_back({directory, std::move(*source)});
    items.back().settings.users = {};
  }
  return std::make_shared<const DirectoryShared>(std::move(items), auth.accept_unknown,
                                                 before == nullptr ? nullptr : before->scram_shapes());
}

std::unique_ptr<Directory> make_chain(const DirectoryShared& shared, Env& env, const WrapDirectory& wrap) {
  std::vector<Chain::Link> links;
  for (const DirectoryShared::Item& item : shared.items()) {
    auto directory = item.source->make(env);
    links.push_back(
        {wrap ? wrap(std::move(directory)) : std::move(directory), spends_hashes(item), item.settings.saslprep});
  }
  return std::make_unique<Chain>(env, std::move(links), shared.accept_unknown(), shared.decoy(), shared.scram_shapes());
}

}  // namespace postigo
