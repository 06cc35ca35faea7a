// Gathers and writes. Not here: which password it was (app_password.cc).
#include "backends/directory/last_uses.h"

#include <map>
#include <utility>

#include "backends/directory/sqlite_db.h"

namespace postigo {
namespace {

constexpr int64_t kOftenS = 60;
constexpr size_t kGatheredMax = 10'000;
constexpr std::string_view kUpdate = "UPDATE app_passwords SET used = ?3 WHERE name = ?1 AND label = ?2";

using Uses = std::map<std::pair<std::string, std::string>, int64_t>;  // of user and label

Result<void> write_all(Database& database, const Uses& uses) {
  auto statement = database.prepare(kUpdate);
  if (!statement) return tl::unexpected(statement.error());
  for (const auto& [whose, used_s] : uses) {
    statement->bind(1, whose.first);
    statement->bind(2, whose.second);
    statement->bind(3, used_s);
    if (auto done = statement->step(); !done) return tl::unexpected(done.error());
    statement->reset();
  }
  return {};
}

}  // namespace

struct LastUses::Gathered {
  std::string path;
  std::mutex mutex;
  Uses waiting;
  Uses written;  // lately: look-ups may not see it yet

  void write() {
    Uses uses;
    {
      std::lock_guard lock(mutex);
      uses = std::exchange(waiting, {});
      if (written.size() > kGatheredMax) written.clear();
      for (const auto& [whose, used_s] : uses) written[whose] = used_s;
    }
    if (uses.empty()) return;
    auto database = Database::open(path, Database::Mode::existing);
    if (database) (void)(*database)->change([&] { return write_all(**database, uses); });
  }
};

LastUses::LastUses(std::string path) : gathered_(std::make_shared<Gathered>()) { gathered_->path = std::move(path); }
LastUses::~LastUses() = default;

void LastUses::tell(const std::string& user, const AppPassword& password, int64_t now_s) {
  if (now_s - password.used_s < kOftenS) return;
  const auto whose = std::pair(user, password.label);
  {
    std::lock_guard lock(gathered_->mutex);
    auto before = gathered_->written.find(whose);
    if (before != gathered_->written.end() && now_s - before->second < kOftenS) return;
    const bool is_first = gathered_->waiting.empty();
    if (gathered_->waiting.size() < kGatheredMax) gathered_->waiting[whose] = now_s;
    if (!is_first) return;  // it will be written with that one
  }
  std::lock_guard lock(mutex_);
  if (thread_ == nullptr) thread_ = std::make_unique<Offload>(1, 16, 0, Offload::Running::left);
  thread_->submit([gathered = gathered_] { gathered->write(); });
}

}  // namespace postigo
