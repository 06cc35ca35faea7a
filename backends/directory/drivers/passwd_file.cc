// Users of a passwd-file in Dovecot's format. All of it is in memory; a look-up that comes a second or more after the
// last look at the file waits for the next one, on Pool::lookup, and all others meanwhile are answered from memory. So
// a change counts within a second, and who is idle asks nothing of the disk. A file that is gone, cannot be read or is
// not in order changes nothing: the users of before stay, and the log says so.
//
// Not here: the format (passwd_line.cc), the table (passwd_table.cc).
#include <atomic>
#include <chrono>
#include <ctime>
#include <mutex>
#include <utility>

#include "backends/directory/entry.h"
#include "backends/directory/fields.h"
#include "backends/directory/on_threads.h"
#include "backends/directory/passwd_line.h"
#include "backends/directory/passwd_table.h"
#include "backends/directory/password.h"
#include "backends/directory/source.h"

namespace postigo {
namespace {

constexpr uint64_t kLookMs = 1'000;
constexpr int64_t kSettledS = 2;  // a file that is written in place is read when nobody has written for so long
constexpr size_t kSampleLines = 100;
constexpr PasswdTable::State kGone{0, 1, 0, 0, 0};
constexpr const char* kUnusable = "{}";  // no scheme

using TablePtr = std::shared_ptr<const PasswdTable>;

class PasswdSource final : public DirectorySource {
 public:
  PasswdSource(const config::Directory& from, FieldNames fields)
      : name_(from.name),
        path_(from.path),
        names_(from.names),
        fields_(std::move(fields)),
        checking_{from.check_password, default_decoy()} {}

  Result<void> prepare();

  std::unique_ptr<Directory> make(Env& env) const override;
  std::string decoy() const override { return checking_.decoy; }
  std::string warning() const override {
    std::lock_guard lock(mutex_);
    return odd_;
  }
  const std::string& name() const { return name_; }
  void start(Env& env, Lookup& lookup, const Query& query) const;

 private:
  bool is_due(uint64_t now_ms) const { return now_ms - looked_ms_.load(std::memory_order_relaxed) >= kLookMs; }
  void look(uint64_t now_ms) const;  // blocks; one at a time does, the others find that it is done
  Result<Found> find(const std::string& user) const;
  void finish(Env& env, Lookup& lookup, const Query& query) const;
  TablePtr table() const {
    std::lock_guard lock(mutex_);
    return table_;
  }
  void exchange(TablePtr table) const;
  void say(const std::string& oddity) const;
  void keep(const std::string& why) const { say(why + "; the users of before are kept"); }
  void take_new(const PasswdTable::State& state) const;
  Result<std::optional<Entry>> entry(const PasswdTable& table, const std::string& name) const;
  std::string about(const std::string& what) const { return "directory " + name_ + ": " + path_ + ": " + what; }

  const std::string name_, path_;
  const config::NameForm names_;
  const FieldNames fields_;
  Checking checking_;

  mutable std::atomic<uint64_t> looked_ms_{0};
  mutable std::mutex looking_;          // held while somebody looks
  mutable PasswdTable::State refused_;  // of a file that was no good; under looking_
  mutable std::mutex mutex_;            // of what follows; held for moments
  mutable TablePtr table_;
  mutable std::string odd_;
};

Result<void> PasswdSource::prepare() {
  auto table = PasswdTable::read(path_, names_);
  if (!table) return fail(path_ + ": " + table.error().message);
  for (std::string_view line : (*table)->first_lines(kSampleLines)) {
    auto entry = parse_passwd_line(line, fields_);
    if (!entry || entry->password.empty() || !check_stored_password(entry->password)) continue;
    checking_.decoy = entry->password;
    break;
  }
  exchange(std::move(*table));
  return {};
}

void PasswdSource::exchange(TablePtr table) const {
  say(table->oddity());
  std::lock_guard lock(mutex_);
  table_.swap(table);  // the old one goes when the lock is free again
}

void PasswdSource::say(const std::string& oddity) const {
  std::lock_guard lock(mutex_);
  odd_ = oddity.empty() ? std::string() : about(oddity);
}

void PasswdSource::look(uint64_t now_ms) const {
  std::unique_lock lock(looking_, std::try_to_lock);
  if (!lock || !is_due(now_ms)) return;
  auto state = PasswdTable::look_at(path_);
  if (!state) {
    if (std::exchange(refused_, kGone) != kGone) keep(state.error().message);
  } else if (*state == table()->state()) {
    if (std::exchange(refused_, {}) != PasswdTable::State()) say(table()->oddity());  // it is back
  } else if (*state != refused_) {
    take_new(*state);
  }
  looked_ms_.store(now_ms, std::memory_order_relaxed);
}

// Who renames a file over another has finished it; who writes into it may be half-way.
void PasswdSource::take_new(const PasswdTable::State& state) const {
  const bool in_place = state.is_same_file(table()->state());
  if (in_place && std::time(nullptr) - state.changed_s < kSettledS) return;
  auto table = PasswdTable::read(path_, names_);
  refused_ = table ? PasswdTable::State() : state;
  if (table) return exchange(std::move(*table));
  keep(table.error().message);
}

Result<std::optional<Entry>> PasswdSource::entry(const PasswdTable& table, const std::string& name) const {
  auto line = table.line(name);
  if (!line) return std::nullopt;
  auto entry = parse_passwd_line(*line, fields_);
  if (!entry) return fail(about(entry.error().message));
  entry->name = name;
  return std::optional(std::move(*entry));
}

Result<Found> PasswdSource::find(const std::string& user) const {
  const TablePtr now = table();
  auto own = entry(*now, user), domain = entry(*now, domain_entry_name(user));
  if (!own || !domain) return tl::unexpected(own ? domain.error() : own.error());
  return Found{std::move(*own), std::move(*domain)};
}

std::unique_ptr<Directory> PasswdSource::make(Env& env) const { return make_shared_directory(env, *this); }

void PasswdSource::start(Env& env, Lookup& lookup, const Query& query) const {
  const uint64_t now_ms = env.now_ms();
  if (!is_due(now_ms)) return finish(env, lookup, query);
  auto look_first = [kept = held(*this), now_ms](const Query&) {
    kept->look(now_ms);
    return true;
  };
  auto asked =
      find_on(env, Env::Pool::lookup, lookup, query, look_first,
              [&env, &lookup, kept = held(*this)](const Query& about, bool) { kept->finish(env, lookup, about); });
  if (!asked) finish(env, lookup, query);  // the next one will look
}

// An entry that is no good is our fault, and costs what a good one costs (A22).
void PasswdSource::finish(Env& env, Lookup& lookup, const Query& query) const {
  auto found = find(query.user);
  if (found) return answer(env, lookup, query, std::move(*found), checking_);
  if (!checking_.enabled || query.want != Want::verdict) {
    return answer_later(env, lookup, {Verdict::unusable, {}, found.error().message});
  }
  lookup.note(found.error().message);
  Entry entry;
  entry.name = query.user;
  entry.password = kUnusable;
  answer(env, lookup, query, {entry, std::nullopt}, checking_);
}

}  // namespace

Result<SharedSource> load_passwd_file_directory(const config::Directory& from) {
  auto fields = FieldNames::parse(from.fields);
  if (!fields) return fail("directory " + from.name + ": fields: " + fields.error().message);
  auto source = std::make_shared<PasswdSource>(from, std::move(*fields));
  if (auto ready = source->prepare(); !ready) return fail("directory " + from.name + ": " + ready.error().message);
  return SharedSource(std::move(source));
}

}  // namespace postigo
