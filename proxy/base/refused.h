// Why a login attempt was refused: the closed list that log lines, metrics and fail2ban's filter share (proxy/LOG.md).
//
// It says whose fault it was, so that an outage never looks like guessing: only what the client said about itself is a
// guess.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace postigo {

// attempts = sum over all results (T66).
enum class AuthResult : uint8_t { ok, bad_credentials, authorization_failed, refused, unavailable, aborted, error };
inline constexpr std::array<std::string_view, 7> kAuthResultNames = {
    "ok", "bad_credentials", "authorization_failed", "refused", "unavailable", "aborted", "error"};

enum class Refused : uint8_t {
  wrong,
  unknown,
  disabled,
  not_here,
  not_now,
  expired,
  not_allowed,
  in_use,
  too_many,
  backend_refused,
  backend_away,
  directory_away,
  entry_unusable,
  master_refused,
  no_route,
  on_hold,
  ledger_away,
  loop,
  penalty,
  busy,
  user_limit,
  backend_limit,
  pool_limit,
  rate_limit,
  policy,
  policy_away,
  aborted,
};

struct RefusedFacts {
  std::string_view name;
  bool guess;            // what deploy/fail2ban counts
  AuthResult result;     // of the attempt, in postigo_auth_attempts_total
  std::string_view who;  // whose move it is: client, backend or proxy
  std::string_view text;
};

inline constexpr auto kRefusedFacts = std::to_array<RefusedFacts>({
    {"wrong", true, AuthResult::bad_credentials, "client", "name and password do not match"},
    {"unknown", true, AuthResult::bad_credentials, "client", "no directory knows the name"},
    {"disabled", true, AuthResult::bad_credentials, "client", "the account is disabled in a directory"},
    {"not_here", true, AuthResult::bad_credentials, "client",
     "a directory lets him in from elsewhere only, or with another protocol, listener or password"},
    {"not_now", true, AuthResult::bad_credentials, "client", "a directory lets him in at another time only"},
    {"expired", false, AuthResult::refused, "client", "the backend says that the password has expired"},
    {"not_allowed", false, AuthResult::authorization_failed, "client", "the client may not act as that user"},
    {"in_use", false, AuthResult::refused, "backend", "the backend says that the mailbox is locked"},
    {"too_many", false, AuthResult::refused, "backend", "the backend says too many: connections, or logins in a row"},
    {"backend_refused", false, AuthResult::refused, "backend", "the backend refuses for another reason: see `code`"},
    {"backend_away", false, AuthResult::unavailable, "backend", "no backend of the user's shard can serve him now"},
    {"directory_away", false, AuthResult::unavailable, "proxy", "a directory could not answer, or not in time"},
    {"entry_unusable", false, AuthResult::unavailable, "proxy", "the directory's password hash for him is of no use"},
    {"master_refused", false, AuthResult::unavailable, "proxy",
     "the backend refuses our master identity for a verified user"},
    {"no_route", false, AuthResult::error, "proxy", "the directory names a pool or shard that is not configured"},
    {"on_hold", false, AuthResult::unavailable, "proxy",
     "his mailbox is moved: an operator holds his logins, and that took too long, or a directory says so"},
    {"ledger_away", false, AuthResult::unavailable, "proxy",
     "what all doors of the platform must agree on about the user could not be learnt in time"},
    {"loop", false, AuthResult::unavailable, "proxy",
     "the login has passed too many proxies: they send it in a circle, to each other or to themselves"},
    {"penalty", false, AuthResult::refused, "client",
     "he, or his address, guesses: refused unseen, in the words of `wrong`; see `ctl penalties`"},
    {"busy", false, AuthResult::unavailable, "client",
     "too many attempts of his address are under way: penalty.parallel"},
    {"user_limit", false, AuthResult::refused, "client",
     "he has as many sessions as he may: limits.sessions_per_user, limits.sessions_per_user_address"},
    {"backend_limit", false, AuthResult::unavailable, "backend",
     "his backend has as many sessions, or logins a second, as it may, and he has waited for one less"},
    {"pool_limit", false, AuthResult::unavailable, "backend", "sessions_max of his [[pool]] is reached"},
    {"rate_limit", false, AuthResult::unavailable, "client",
     "too many attempts in a second: limits.logins_per_s, limits.address_logins_per_s"},
    {"policy", false, AuthResult::refused, "client", "the policy server says no; in the words of `wrong`"},
    {"policy_away", false, AuthResult::unavailable, "proxy",
     "the policy server does not answer, and policy.on_failure is \"closed\""},
    {"aborted", false, AuthResult::aborted, "client", "the session ended before the attempt was decided"},
});
inline constexpr size_t kRefusedReasons = kRefusedFacts.size();
static_assert(kRefusedReasons == static_cast<size_t>(Refused::aborted) + 1);

constexpr const RefusedFacts& facts_of(Refused reason) { return kRefusedFacts[static_cast<size_t>(reason)]; }
constexpr std::string_view name_of(Refused reason) { return facts_of(reason).name; }

}  // namespace postigo
