// Which response code stands for which trouble. A client acts on the code: [AUTH] asks the user for another password,
// [SYS/TEMP] tries again later, so [AUTH] is said of credentials and of nothing else (T56).
#include "parser/pop3/front_texts.h"

namespace postigo::pop3 {
namespace {

// A backend's code, with our words: its own stay in our log (A21).
Bytes relayed_text(Bytes code) {
  if (code == "IN-USE") return "-ERR [IN-USE] The mailbox is in use, try again later.\r\n";
  if (code == "LOGIN-DELAY") return "-ERR [LOGIN-DELAY] Too soon after the last login, try again later.\r\n";
  if (code == "SYS/PERM") return "-ERR [SYS/PERM] The mailbox cannot be opened, contact the administrator.\r\n";
  return "-ERR [AUTH] Authentication failed.\r\n";
}

}  // namespace

Bytes refusal_text(const Refusal& refusal) {
  switch (refusal.kind) {
    case Refusal::Kind::bad_credentials:
      return "-ERR [AUTH] Authentication failed.\r\n";
    case Refusal::Kind::authorization_failed:
      return "-ERR [AUTH] Authorization failed.\r\n";
    case Refusal::Kind::server_bug:
      return "-ERR Internal error.\r\n";
    case Refusal::Kind::too_many:
      return "-ERR [IN-USE] Too many connections.\r\n";
    case Refusal::Kind::relayed:
      return relayed_text(refusal.code);
    case Refusal::Kind::unavailable:
      break;
  }
  return "-ERR [SYS/TEMP] Temporary failure, try again later.\r\n";
}

Bytes farewell_text(Farewell why) {
  switch (why) {
    case Farewell::idle_too_long:
      return "-ERR Disconnected for inactivity.\r\n";
    case Farewell::shutting_down:
      return "-ERR [SYS/TEMP] Server shutting down.\r\n";
    case Farewell::too_many_connections:
      return "-ERR [SYS/TEMP] Too many connections.\r\n";
    case Farewell::backend_lost:
    case Farewell::internal_error:
      break;
  }
  return "-ERR [SYS/TEMP] Internal error.\r\n";
}

}  // namespace postigo::pop3
