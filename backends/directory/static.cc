// The directory that stands in the configuration file: users and "@domain" entries in one hash map, shared read-only by
// all workers. Not here: regexes (those are routing rules, router.cc) and reading the file (config/load.h).
#include <utility>

#include "backends/balance/siphash.h"
#include "backends/directory/entry.h"
#include "backends/directory/on_threads.h"
#include "backends/directory/password.h"
#include "backends/directory/source.h"

namespace postigo {
namespace {

class StaticSource final : public DirectorySource {
 public:
  explicit StaticSource(const config::Directory& from) : name_(from.name), checking_{from.check_password, {}} {
    for (const config::StaticUser& user : from.users) {
      if (checking_.decoy.empty()) checking_.decoy = user.password;
      entries_.emplace(user.name, Entry{user, {}, {}});
    }
    if (checking_.decoy.empty()) checking_.decoy = default_decoy();
  }

  std::unique_ptr<Directory> make(Env& env) const override;
  std::string decoy() const override { return checking_.decoy; }

  std::string_view name() const { return name_; }
  void start(Env& env, Lookup& lookup, const Query& query) const {
    answer(env, lookup, query, {find(query.user), find(domain_entry_name(query.user))}, checking_);
  }

 private:
  std::optional<Entry> find(std::string_view name) const {
    auto found = entries_.find(name);
    return found == entries_.end() ? std::nullopt : std::optional(found->second);
  }

  std::string name_;
  Checking checking_;
  NameMap<Entry> entries_;
};

std::unique_ptr<Directory> StaticSource::make(Env& env) const { return make_shared_directory(env, *this); }

}  // namespace

Result<SharedSource> load_static_directory(const config::Directory& from) {
  for (const config::StaticUser& user : from.users) {
    if (!from.check_password || user.password.empty()) continue;
    auto usable = check_stored_password(user.password);
    if (!usable) return fail("directory " + from.name + ": user " + user.name + ": " + usable.error().message);
  }
  return std::make_shared<const StaticSource>(from);
}

}  // namespace postigo
