// `postigo user app-password`: passwords for single programs of a user. They are made here and shown once.
#include <ostream>
#include <utility>

#include <fmt/format.h>

#include "backends/directory/app_password.h"
#include "backends/directory/fields.h"
#include "backends/directory/moment.h"
#include "parser/base/ascii.h"
#include "proxy/commands/user_store.h"

namespace postigo::commands {

namespace {

std::string dash_if_empty(const std::string& text) { return text.empty() ? "-" : text; }

}  // namespace

int app_password_add(const UserOptions& options, Streams io) {
  Opened opened = open_store(options, SqliteStore::Missing::error, io);
  if (opened.exit != kOk) return opened.exit;
  auto made = make_app_password();
  if (!made) return failed(io, made.error().message);
  AppPassword password;
  password.label = options.label;
  password.hash = made->hash;
  for (const auto& [field, value] : options.fields) {
    if (auto set = set_app_field(password, field, value); !set) return failed(io, set.error().message);
  }
  auto added = opened.store->add_app_password(opened.name, password);
  if (!added) return failed(io, added.error().message);
  io.out << made->shown.reveal() << '\n';
  io.err << "This is shown once. It is typed with or without the dashes.\n";
  return kOk;
}

int app_password_list(const UserOptions& options, Streams io) {
  Opened opened = open_store(options, SqliteStore::Missing::error, io);
  if (opened.exit != kOk) return opened.exit;
  auto passwords = opened.store->app_passwords(opened.name);
  if (!passwords) return failed(io, passwords.error().message);
  constexpr const char* kRow = "{:<24} {:<10} {:<32} {:<21} {}\n";
  io.out << fmt::format(kRow, "LABEL", "PROTOCOLS", "NETWORKS", "VALID_UNTIL", "USED");
  for (const AppPassword& each : *passwords) {
    Entry entry;
    entry.may = each.may;
    io.out << fmt::format(kRow, printable(each.label), dash_if_empty(field_text(entry, "protocols")),
                          dash_if_empty(field_text(entry, "networks")), dash_if_empty(field_text(entry, "valid_until")),
                          dash_if_empty(write_moment(each.used_s)));
  }
  return kOk;
}

int app_password_revoke(const UserOptions& options, Streams io) {
  Opened opened = open_store(options, SqliteStore::Missing::error, io);
  if (opened.exit != kOk) return opened.exit;
  auto done = opened.store->revoke_app_password(opened.name, options.label);
  if (!done) return failed(io, done.error().message);
  io.out << "revoked " << printable(options.label) << '\n';
  return kOk;
}

}  // namespace postigo::commands
