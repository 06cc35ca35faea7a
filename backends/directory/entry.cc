// From stored entries to a verdict, including the one password hash that it may cost. Not here: how entries are found
// (static.cc, sqlite.cc) and what becomes of no_such_user (chain.cc).
#include "backends/directory/entry.h"

#include <memory>
#include <utility>

#include "backends/directory/password.h"

namespace postigo {
namespace {

Identity identity_of(const Query& query, const Found& found) {
  Identity identity;
  identity.user = query.user;
  const Entry& own = found.user ? *found.user : *found.domain;
  identity.backend_user = found.user ? own.backend_user : std::string();
  const bool placed = !own.pool.empty() || !own.shard.empty();
  const Entry& place = placed || !found.domain ? own : *found.domain;
  identity.pool = place.pool;
  identity.shard = place.shard;
  return identity;
}

bool disabled(const Found& found) {
  return (found.user && found.user->disabled) || (found.domain && found.domain->disabled);
}

// What the password thread and the answer share; the thread may outlive the question.
struct Check {
  Secret password;
  std::string stored;
  Result<bool> matches = false;
};

LookupResult judge(const Check& check, Identity identity, bool may_log_in, bool is_disabled) {
  if (!check.matches) return try_later(check.matches.error().message);
  LookupResult result;
  if (!*check.matches || !may_log_in) {
    result.verdict = Verdict::bad_credentials;
    if (!may_log_in) result.detail = "the entry has no password";
    return result;
  }
  result.verdict = is_disabled ? Verdict::disabled : Verdict::ok;
  result.identity = std::move(identity);
  result.identity.verified = true;
  return result;
}

}  // namespace

std::string domain_entry_name(std::string_view user) {
  size_t at = user.rfind('@');
  return at == std::string_view::npos ? "@" : std::string(user.substr(at));
}

void answer(Env& env, Lookup& lookup, const Query& query, Found found, bool check_password, const std::string& decoy) {
  if (query.user.starts_with('@')) found = {};  // nobody logs in as a domain
  const bool known = found.user || (found.domain && !check_password);
  if (!known) return answer_later(env, lookup, {Verdict::no_such_user, {}, {}});
  const bool is_disabled = disabled(found);
  Identity identity = identity_of(query, found);
  if (!check_password) {
    if (is_disabled) return answer_later(env, lookup, {Verdict::disabled, {}, {}});
    return answer_later(env, lookup, {Verdict::ok, std::move(identity), {}});
  }
  const bool may_log_in = !found.user->password.empty();
  auto check = std::make_shared<Check>();
  check->password = query.password;
  check->stored = may_log_in ? found.user->password : decoy;
  auto ticket = env.offload(
      Env::Pool::password, [check] { check->matches = verify_password(check->password, check->stored); },
      [&lookup, check, identity = std::move(identity), may_log_in, is_disabled] {
        lookup.finish(judge(*check, identity, may_log_in, is_disabled));
      });
  if (!ticket) return answer_later(env, lookup, try_later(ticket.error().message));
  lookup.hold(std::move(*ticket));
}

void answer_later(Env& env, Lookup& lookup, LookupResult result) {
  lookup.hold(env.defer([&lookup, result = std::move(result)] { lookup.finish(result); }));
}

LookupResult try_later(std::string detail) { return {Verdict::try_later, {}, std::move(detail)}; }

}  // namespace postigo
