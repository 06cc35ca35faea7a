// PAM: whoever this machine would let in. A service's "auth" and "account" say so, on the directory's own threads,
// whose modules may block for as long as they like: who waits is told "try later", and the thread is free when they are
// done. Where nothing is said of a password, "account" alone says who is known.
//
// Time (A22). Nothing is hashed here (hashes()), and the chain evens out what other directories cost. What modules do
// for a name that they do not know is their own business; limits.auth_failure_delay covers it, and it does so by
// default.
//
// Not here: libpam (pam_service.cc).
#include "backends/directory/drivers/pam.h"

#include <memory>
#include <utility>

#include "backends/client_network.h"
#include "backends/directory/drivers/heard.h"
#include "backends/directory/drivers/pam_service.h"
#include "backends/directory/on_threads.h"
#include "backends/directory/password.h"
#include "backends/work/offload.h"

namespace postigo {
namespace {

constexpr size_t kPamWaitingMax = 4096;

class PamSource final : public DirectorySource {
 public:
  PamSource(const config::Directory& from, PamService service)
      : name_(from.name),
        service_(std::move(service)),
        checking_{from.check_password, default_decoy()},
        threads_(std::make_shared<Offload>(from.threads, kPamWaitingMax, from.timeout_ms, Offload::Running::left)) {}

  std::unique_ptr<Directory> make(Env& env) const override;
  void start(Env& env, Lookup& lookup, const Query& query) const;
  std::string decoy() const override { return checking_.decoy; }
  bool hashes() const override { return false; }

  const std::string& name() const { return name_; }
  const Checking& checking() const { return checking_; }
  const std::shared_ptr<Offload>& threads() const { return threads_; }

  // On a thread; blocks.
  Heard find(const Query& query) const;

 private:
  bool fit_for_modules(const std::string& user) const;

  std::string name_;
  PamService service_;
  Checking checking_;
  std::shared_ptr<Offload> threads_;
};

// Modules make paths and command lines of names.
bool PamSource::fit_for_modules(const std::string& user) const {
  return may_be_asked(user) && user.find('/') == std::string::npos && !user.starts_with('-') && !user.starts_with('.');
}

Heard PamSource::find(const Query& query) const {
  if (query.want == Want::token || !fit_for_modules(query.user)) return {Verdict::no_such_user};
  Heard heard = checking_.enabled && query.want == Want::verdict
                    ? service_.authenticate(query.user, query.password, query.client_ip)
                    : service_.account(query.user, query.client_ip);
  if (heard.verdict == Verdict::ok && !may_be_asked(heard.name.empty() ? query.user : heard.name)) {
    heard = {Verdict::unusable, {}, {}, "PAM calls the user what is no name"};
  }
  if (!heard.detail.empty()) heard.detail = "directory " + name_ + ": " + heard.detail;
  wipe_stack();  // the library had the password
  return heard;
}

std::unique_ptr<Directory> PamSource::make(Env& env) const { return make_shared_directory(env, *this); }

void PamSource::start(Env& env, Lookup& lookup, const Query& query) const {
  auto asked = find_on(
      env, threads_, lookup, query, [kept = held(*this)](const Query& about) { return kept->find(about); },
      [&env, &lookup, kept = held(*this)](const Query& about, Heard heard) {
        answer_heard(env, lookup, about, std::move(heard), kept->checking_);
      });
  if (!asked) answer_later(env, lookup, try_later("directory " + name_ + ": " + asked.error().message));
}

}  // namespace

Result<SharedSource> load_pam_directory_from(const config::Directory& from, const std::string& folder) {
  PamService service(from.pam_service, folder);
  if (auto there = service.exists(); !there) return fail("directory " + from.name + ": " + there.error().message);
  return SharedSource(std::make_shared<PamSource>(from, std::move(service)));
}

Result<SharedSource> load_pam_directory(const config::Directory& from) { return load_pam_directory_from(from, {}); }

}  // namespace postigo
