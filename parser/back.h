// BackDialogue: the backend's side of a protocol until the login is over. Contracts: step.h.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "parser/base/bytes.h"
#include "parser/base/out.h"
#include "parser/base/secret.h"
#include "parser/client_facts.h"
#include "parser/refusal.h"
#include "parser/step.h"

namespace postigo {

namespace sasl {
class Channel;
class KeptKeys;
}  // namespace sasl

struct BackPolicy {
  enum class Tls { off, starttls, implicit };
  // A text that must be shown to people can fool them, if it is not the backend's own (T47).
  enum class Alerts { never, under_tls, always };
  Tls tls = Tls::off;
  bool forward_client = false;    // the backend trusts us: send ClientFacts
  Alerts alerts = Alerts::never;  // which may pass; "always": but not what came in clear before STARTTLS (T28)
  bool until_ready = false;       // no login: greeting, TLS and capabilities only, and then Event::ready
  bool proxy_header = false;      // one went before all that we say: an answer to it is no answer to us
  // How a password is said: "PLAIN" is the password itself, in whichever way the backend takes it; a mechanism, and
  // then no other one; or "AUTO" (sasl/choose.h). What these three point to outlives the dialogue.
  std::string_view mechanism = "PLAIN";
  const sasl::Channel* channel = nullptr;  // null: mechanisms that need one do not work
  sasl::KeptKeys* kept = nullptr;          // of this backend (sasl/kept_keys.h); null: none are kept
};

// What opens a backend's door.
enum class DoorKey {
  password,
  token,        // a bearer token of the client's own, in `password`
  certificate,  // our own, by TLS; authzid says for whom
};

// How to log in. authzid empty: plain user/password (LOGIN, USER/PASS or SASL PLAIN, whatever the backend knows),
// unless the policy asks for a mechanism. authzid set: SASL only, with authcid as the master user.
struct BackLogin {
  std::string authzid;
  std::string authcid;
  Secret password;
  ClientFacts facts;
  bool master = false;  // the password is not the user's: he is verified, and a refusal is between us and the backend
  std::string nonce;    // letters and digits that nobody can guess: no answer comes before its question (IMAP tags)
  DoorKey key = DoorKey::password;
  Secret said;  // by the dialogue, in base64: no text of the backend's that repeats it is shown (login/echo.h)
};

// The backend's side: we play the client.
class BackDialogue {
 public:
  virtual ~BackDialogue() = default;

  virtual Step feed(Bytes in, Out& out) = 0;   // from the greeting on
  virtual void tls_established(Out& out) = 0;  // after start_tls; forgets all that was said in clear text (T28)
  // After ready, whenever there is a login for it; `login` of make_back was nobody's. need_input, or an end as from
  // feed(). REQUIRES: the backend has said nothing since.
  virtual Event log_in(BackLogin login, Out& out) = 0;
  // It has said something since it was told the password, or answered what comes before that; or the login cannot be
  // said. What happens from here on is about the login; before that a connection which had waited may have ended.
  virtual bool answered() const = 0;
  // The connection ended, or the time is over. refused: the backend has said no to this user before, when another way
  // to log in was still to be tried. Else unavailable, and reply() tells nothing.
  virtual Event lost() = 0;
  virtual const BackendReply& reply() const = 0;  // after refused or unavailable (why, in words for a log)
  virtual const std::vector<std::string>& capabilities() const = 0;  // after logged_in; upper case
  virtual std::span<const std::string> alerts() const = 0;  // for the user to read, as the policy allows; printable
  virtual std::string_view state_name() const = 0;
};

}  // namespace postigo
