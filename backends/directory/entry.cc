// From stored entries to a verdict, including the one password hash that it may cost. Not here: how entries are found
// (static.cc, sqlite.cc) and what becomes of no_such_user (chain.cc).
#include "backends/directory/entry.h"

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "backends/client_network.h"
#include "backends/directory/conditions.h"
#include "backends/directory/password.h"
#include "backends/user_name.h"

namespace postigo {
namespace {

Identity identity_of(const Query& query, const Found& found) {
  Identity identity;
  identity.user = query.user;
  const Entry& own = found.user ? *found.user : *found.domain;
  identity.backend_user = found.user ? own.backend_user : std::string();
  if (found.user) identity.backend_password = own.backend_password;
  const bool placed = !own.pool.empty() || !own.shard.empty() || !own.backend.empty();
  const Entry& place = placed || !found.domain ? own : *found.domain;
  identity.pool = place.pool;
  identity.shard = place.shard;
  identity.backend = place.backend;
  identity.limit_class = own.limit_class.empty() && found.domain ? found.domain->limit_class : own.limit_class;
  identity.sessions_max = own.sessions_max == 0 && found.domain ? found.domain->sessions_max : own.sessions_max;
  return identity;
}

int64_t now_s(const Env& env) { return static_cast<int64_t>(env.unix_time_s()); }

LookupResult barred_by(Barred why) {
  LookupResult result{Verdict::disabled, {}, {}};
  result.identity.disabled = true;
  result.identity.barred = why;
  return result;
}

// Whoever asks has proven who he is: that is as good as a password which was checked here.
LookupResult account_of(const Query& query, const Found& found, const Checking& checking, int64_t now_s) {
  if (auto why = barred(query, found, now_s)) return barred_by(*why);
  LookupResult result{Verdict::ok, identity_of(query, found), {}};
  result.identity.verified = checking.enabled;
  result.good_until_s = end_of(found);
  return result;
}

LookupResult secret_of(const Query& query, const Found& found, const Checking& checking, int64_t now_s) {
  LookupResult result{Verdict::ok, identity_of(query, found), {}};
  if (!checking.enabled) return result;
  result.identity.verified = true;
  auto why = barred_with_password(query, found, now_s);
  result.identity.disabled = why.has_value();
  result.identity.barred = why.value_or(Barred::disabled);
  return result;
}

// Keys that must be made first are made where passwords are checked; and so for nothing, for who has no such password,
// where others have (A22).
void answer_secret(Env& env, Lookup& lookup, const Query& query, const Found& found, const Checking& checking) {
  auto result = std::make_shared<LookupResult>(secret_of(query, found, checking, now_s(env)));
  const std::string stored = checking.enabled ? found.user->password : std::string();
  const bool own = secret_costs(stored, query.mechanism);
  if (!own && !secret_costs(checking.decoy, query.mechanism)) {
    result->secret = stored_secret(stored, query.mechanism, query.user);
    return answer_later(env, lookup, std::move(*result));
  }
  auto work = [=, decoy = checking.decoy, mechanism = query.mechanism, user = query.user] {
    result->secret = stored_secret(stored, mechanism, user);
    if (!own) (void)stored_secret(decoy, mechanism, user);
  };
  auto ticket = env.offload(Env::Pool::password, {Turn::Rank::usual, client_network(query.client_ip)}, std::move(work),
                            [&lookup, result] { lookup.finish(std::move(*result)); });
  if (!ticket) return answer_later(env, lookup, try_later(ticket.error().message));
  lookup.hold(std::move(*ticket));
}

// What the password thread and the answer share; the thread may outlive the question.
struct Check {
  Secret password;
  std::string stored, decoy;
  Result<bool> matches = false;
  bool may_log_in = false;

  // One hash, whatever is stored: what is of no use fails before it costs anything (A22).
  void run() {
    matches = verify_password(password, may_log_in ? stored : decoy);
    if (!matches) (void)verify_password(password, decoy);
  }
};

LookupResult judge(const Check& check, Identity identity, std::optional<Barred> why) {
  LookupResult result;
  if (!check.matches) return {Verdict::unusable, {}, check.matches.error().message};
  if (!*check.matches || !check.may_log_in) {
    result.verdict = Verdict::bad_credentials;
    if (!check.may_log_in) result.detail = "the entry has no password";
    return result;
  }
  if (why) return barred_by(*why);
  result.verdict = Verdict::ok;
  result.identity = std::move(identity);
  result.identity.verified = true;
  return result;
}

// One user's password, from the line to the verdict. Lives in the call-backs of what it waits for.
class PasswordCheck : public std::enable_shared_from_this<PasswordCheck> {
 public:
  PasswordCheck(Env& env, Lookup& lookup, const Query& query, const Found& found, const Checking& how)
      : env_(env),
        lookup_(lookup),
        standing_(how.standing),
        identity_(identity_of(query, found)),
        barred_(barred_with_password(query, found, now_s(env))),
        used_(how.used),
        good_until_s_(end_of(found)),
        client_(client_network(query.client_ip)),
        check_(std::make_shared<Check>()) {
    check_->password = query.password;
    check_->stored = found.user->password;
    check_->decoy = how.decoy;
    check_->may_log_in = !check_->stored.empty();
    look_for_app_password(query, found);
  }

  void start() {
    if (by_app_password()) {
      LookupResult result{Verdict::ok, identity_, {}};
      result.good_until_s = good_until_s_;
      return answer_later(env_, lookup_, std::move(result));
    }
    rank_ = standing_->rank(identity_.user, check_->password, check_->stored, env_.now_ms());
    if (rank_ != Turn::Rank::last) return hash();
    wait(Turn::Rank::usual, [self = shared_from_this()] { self->hash(); });
  }

 private:
  // It is as good as his own, where it may be used; there it needs no hash. Elsewhere it costs what a wrong one costs.
  void look_for_app_password(const Query& query, const Found& found) {
    const AppPassword* said = find_app_password(found.app_passwords, query.password);
    if (said == nullptr) return;
    app_password_ = *said;
    barred_ = barred(query, found, now_s(env_));
    if (!barred_) barred_ = unmet(said->may, query, now_s(env_));
    good_until_s_ = earlier_end(good_until_s_, said->may.valid_until_s);
  }

  bool by_app_password() {
    if (!app_password_ || barred_) return false;
    identity_.verified = true;
    if (used_) used_(identity_.user, *app_password_, now_s(env_));
    return true;
  }

  void hash() {
    offload(
        {rank_, client_}, [check = check_] { check->run(); }, [self = shared_from_this()] { self->hashed(); });
  }

  void hashed() {
    LookupResult result = app_password_ ? barred_by(*barred_) : judge(*check_, identity_, barred_);
    result.good_until_s = good_until_s_;
    if (check_->matches && *check_->matches && check_->may_log_in) {
      standing_->succeeded(identity_.user, check_->password, check_->stored);
    } else {
      standing_->failed(identity_.user, env_.now_ms());
    }
    if (result.verdict == Verdict::ok || rank_ == Turn::Rank::last) return lookup_.finish(std::move(result));
    wait(Turn::Rank::last, [self = shared_from_this(), result] { self->lookup_.finish(result); });
  }

  void wait(Turn::Rank rank, std::function<void()> then) {
    offload(
        {rank, client_, false}, [] {}, std::move(then));
  }

  void offload(Turn turn, std::function<void()> work, std::function<void()> then) {
    auto ticket = env_.offload(Env::Pool::password, turn, std::move(work), std::move(then));
    if (!ticket) return answer_later(env_, lookup_, try_later(ticket.error().message));
    lookup_.hold(std::move(*ticket));
  }

  Env& env_;
  Lookup& lookup_;
  std::shared_ptr<Standing> standing_;
  Identity identity_;
  std::optional<Barred> barred_;
  std::function<void(const std::string&, const AppPassword&, int64_t)> used_;
  int64_t good_until_s_;
  std::optional<AppPassword> app_password_;  // that was said
  uint64_t client_;
  std::shared_ptr<Check> check_;
  Turn::Rank rank_ = Turn::Rank::usual;
};

}  // namespace

std::string domain_entry_name(std::string_view user) { return "@" + std::string(domain_of(user)); }

void answer(Env& env, Lookup& lookup, const Query& query, Found found, const Checking& checking) {
  if (query.user.starts_with('@')) found = {};  // nobody logs in as a domain
  if (query.witness != nullptr) query.witness->saw(found);
  const bool known = found.user || (found.domain && !checking.enabled);
  if (!known) return answer_later(env, lookup, {Verdict::no_such_user, {}, {}});
  switch (query.want) {
    case Want::verdict:
      break;
    case Want::placement:
      return answer_later(env, lookup, {Verdict::ok, identity_of(query, found), {}});
    case Want::account:
      return answer_later(env, lookup, account_of(query, found, checking, now_s(env)));
    case Want::secret:
      return answer_secret(env, lookup, query, found, checking);
    case Want::token:  // nobody's token is an entry
      return answer_later(env, lookup, {Verdict::no_such_user, {}, {}});
  }
  if (checking.enabled) return std::make_shared<PasswordCheck>(env, lookup, query, found, checking)->start();
  if (auto why = barred(query, found, now_s(env))) return answer_later(env, lookup, barred_by(*why));
  LookupResult result{Verdict::ok, identity_of(query, found), {}};
  result.good_until_s = end_of(found);
  answer_later(env, lookup, std::move(result));
}

void answer_later(Env& env, Lookup& lookup, LookupResult&& result) { lookup.finish_later(env, std::move(result)); }

LookupResult try_later(std::string detail) { return {Verdict::try_later, {}, std::move(detail)}; }

}  // namespace postigo
