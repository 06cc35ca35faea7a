// The drivers that need no server, and keep the contract. A new one adds a row at the end.
#include "tests/unit/backends/directory_contract.h"

#include <sys/stat.h>

#include <fstream>

#include "backends/directory/sqlite_store.h"

namespace postigo {
namespace {

Result<SharedSource> load_static(const std::vector<Entry>& users, bool check_password, const Temporary&) {
  return load_static_directory(
      {"users", config::Directory::Type::fixed, check_password, "", {users.begin(), users.end()}});
}

Result<SharedSource> load_sqlite(const std::vector<Entry>& users, bool check_password, const Temporary& place) {
  const std::string path = place.file("users.db");
  auto store = SqliteStore::open(path, SqliteStore::Missing::create);
  if (!store) return tl::unexpected(store.error());
  for (const Entry& user : users) {
    if (auto added = (*store)->add(user); !added) return tl::unexpected(added.error());
  }
  return load_sqlite_directory({"users", config::Directory::Type::sqlite, check_password, path, {}});
}

Result<SharedSource> load_passwd_file(const std::vector<Entry>& users, bool check_password, const Temporary& place) {
  std::string text = "# Dovecot's\n\n";
  for (const Entry& user : users) {
    text += user.name + ":" + user.password + ":1000:1000::/home/x::userdb_mail=maildir:~/Maildir";
    for (const auto& [key, value] : std::initializer_list<std::pair<const char*, std::string>>{
             {"pool", user.pool}, {"shard", user.shard}, {"user", user.backend_user}}) {
      if (!value.empty()) text += std::string(" ") + key + "=" + value;
    }
    text += user.disabled ? " nologin\n" : "\n";
  }
  const std::string path = place.file("users");
  std::ofstream(path) << text;
  ::chmod(path.c_str(), 0600);
  return load_passwd_file_directory({"users", config::Directory::Type::passwd_file, check_password, path, {}});
}

INSTANTIATE_TEST_SUITE_P(Drivers, Contract,
                         testing::Values(Driver{"static", load_static, false}, Driver{"sqlite", load_sqlite, true},
                                         Driver{"passwd_file", load_passwd_file, false}),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace postigo
