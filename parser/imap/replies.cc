// Texts and the table from Refusal to response code. When they are sent is front.cc's business.
#include "parser/imap/replies.h"

#include <algorithm>
#include <array>

#include "parser/imap/capability.h"
#include "parser/sasl/offer.h"

namespace postigo::imap {
namespace {

// One text for unknown user, wrong password and disabled account (A21).
constexpr char kBadCredentials[] = "[AUTHENTICATIONFAILED] Authentication failed.";

struct Told {
  Bytes code;
  Bytes text;
};

// Whatever else a backend says (its own words, codes that nobody registered, names of hosts) stays in our log.
constexpr std::array kTold = {
    Told{"CANNOT", "The mail server cannot do that."},
    Told{"CONTACTADMIN", "Contact the administrator of the mail server."},
    Told{"CORRUPTION", "The mailbox is damaged, contact the administrator."},
    Told{"EXPIRED", "The account or its password has expired."},
    Told{"INUSE", "The mailbox is in use, try again later."},
    Told{"LIMIT", "A limit of the mail server is reached."},
    Told{"NOPERM", "You may not log in here."},
    Told{"OVERQUOTA", "The mailbox is over its quota."},
};

const Told* find_told(Bytes name) {
  auto found = std::find_if(kTold.begin(), kTold.end(), [&](const Told& row) { return row.code == name; });
  return found == kTold.end() ? nullptr : &*found;
}

std::string relayed_text(Bytes code) {
  const Told* told = find_told(code);
  return told == nullptr ? kBadCredentials : "[" + std::string(told->code) + "] " + std::string(told->text);
}

}  // namespace

// IMAP4rev2 is not said here (T36, T39): a client would take the features that it implies for granted, and what the
// user's backend will have is not known yet. LITERAL+ is: no size limit of 4096 is implied (T3), and after login the
// relay filter makes it work with every backend.
std::string capabilities_before_login(const FrontPolicy& policy, bool tls, const sasl::Facts& facts) {
  std::string list = "IMAP4rev1";
  list.reserve(160);  // what most need
  auto offer = [&](Bytes name) {
    if (!is_hidden(*policy.capabilities, name)) list.append(" ").append(name);
  };
  offer("LITERAL+");
  offer("SASL-IR");
  offer("ID");
  if (!tls && policy.starttls_offered) offer("STARTTLS");
  for (const std::string& name : policy.capabilities->before_login) offer(name);
  if (!login_allowed(policy, tls)) list += " LOGINDISABLED";
  for (std::string_view mechanism : sasl::offers(policy, tls, facts)) offer("AUTH=" + std::string(mechanism));
  return list;
}

std::string refusal_text(const Refusal& refusal) {
  switch (refusal.kind) {
    case Refusal::Kind::bad_credentials:
      return kBadCredentials;
    case Refusal::Kind::authorization_failed:
      return "[AUTHORIZATIONFAILED] You may not act as that user.";
    case Refusal::Kind::unavailable:
      return "[UNAVAILABLE] The mail server is not available now, try again later.";
    case Refusal::Kind::server_bug:
      return "[SERVERBUG] The server is not set up correctly.";
    case Refusal::Kind::too_many:
      return "[LIMIT] Too many connections.";
    case Refusal::Kind::relayed:
      return relayed_text(refusal.code);
  }
  return kBadCredentials;
}

bool tells_user(Bytes name) { return find_told(name) != nullptr; }

Bytes farewell_text(Farewell why) {
  switch (why) {
    case Farewell::idle_too_long:
      return "Idle for too long before login.";
    case Farewell::shutting_down:
      return "[UNAVAILABLE] Server is shutting down.";
    case Farewell::too_many_connections:
      return "[UNAVAILABLE] Too many connections.";
    case Farewell::backend_lost:
      return "[UNAVAILABLE] Connection to the mail server lost.";
    case Farewell::internal_error:
      return "[SERVERBUG] Internal error.";
  }
  return "Closing.";
}

}  // namespace postigo::imap
