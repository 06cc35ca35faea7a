// What response codes say (RFC 5530, 3206, 2449), in our words. Not here: which of them a client hears (parser's
// refusal_for).
#include "proxy/session/refused_by.h"

#include "parser/base/ascii.h"

namespace postigo {

Refused refused_by(const Refusal& refusal) {
  if (refusal.kind == Refusal::Kind::bad_credentials) return Refused::wrong;
  if (refusal.kind == Refusal::Kind::authorization_failed) return Refused::not_allowed;
  if (refusal.kind == Refusal::Kind::unavailable) return Refused::backend_away;
  struct Row {
    std::string_view code;
    Refused reason;
  };
  constexpr Row kRows[] = {{"EXPIRED", Refused::expired}, {"NOPERM", Refused::not_allowed},
                           {"INUSE", Refused::in_use},    {"IN-USE", Refused::in_use},
                           {"LIMIT", Refused::too_many},  {"LOGIN-DELAY", Refused::too_many}};
  for (const Row& row : kRows) {
    if (equal_ignoring_case(refusal.code, row.code)) return row.reason;
  }
  return Refused::backend_refused;
}

namespace {

Refused refused_by(Barred why) {
  switch (why) {
    case Barred::disabled:
      return Refused::disabled;
    case Barred::not_here:
      return Refused::not_here;
    case Barred::not_now:
      return Refused::not_now;
    case Barred::moving:
      break;
  }
  return Refused::on_hold;
}

}  // namespace

Refused refused_by(Verdict verdict, Barred why) {
  if (verdict == Verdict::unusable) return Refused::entry_unusable;
  if (verdict == Verdict::disabled) return refused_by(why);
  return verdict == Verdict::no_such_user ? Refused::unknown : Refused::wrong;
}

Refused refused_by(BackendError error) {
  switch (error) {
    case BackendError::master_refused:
      return Refused::master_refused;
    case BackendError::session_limit:
    case BackendError::login_rate:
    case BackendError::queue_full:
      return Refused::backend_limit;
    case BackendError::pool_limit:
      return Refused::pool_limit;
    default:
      return Refused::backend_away;
  }
}

}  // namespace postigo
