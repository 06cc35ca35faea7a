// FrontDialogue: the client's side of a protocol until the login is over. Contracts: step.h.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "parser/base/bytes.h"
#include "parser/base/out.h"
#include "parser/capability_policy.h"
#include "parser/client_facts.h"
#include "parser/credentials.h"
#include "parser/farewell.h"
#include "parser/refusal.h"
#include "parser/sasl/stored_secret.h"
#include "parser/step.h"

namespace postigo {

// What the front may offer on one listener. Immutable, outlives the dialogues made from it.
struct FrontPolicy {
  std::string hostname;                  // in greetings and challenges; never a software version
  bool starttls_offered = false;         // STARTTLS / STLS while in clear text
  bool plaintext_login_allowed = false;  // LOGIN and PLAIN without TLS; false: LOGINDISABLED, PRIVACYREQUIRED
  // SASL names in upper case, in the order to show (sasl/mechanisms.h), and "APOP", which is POP3's own. Which of them
  // are offered depends on the connection, too (sasl/offer.h).
  std::vector<std::string> mechanisms;
  std::shared_ptr<const CapabilityPolicy> capabilities;  // never null

  // LOGIN, USER and PASS are what PLAIN and LOGIN are in other words: who takes those out takes these out.
  bool takes_passwords() const {
    return mechanisms.empty() || std::any_of(mechanisms.begin(), mechanisms.end(), [](const std::string& name) {
             return name == "PLAIN" || name == "LOGIN";
           });
  }
  bool peer_is_proxy = false;  // whoever connects may say how many proxies a login may pass still (T63)
  bool peer_speaks = false;    // and what it says of its client is believed, with fields for the backend's passdb
};

// The client's side: we play the server.
class FrontDialogue {
 public:
  virtual ~FrontDialogue() = default;

  virtual void open(Out& out) = 0;  // the greeting
  virtual Step feed(Bytes in, Out& out) = 0;
  virtual void tls_established() = 0;  // resets parser, SASL, ID and user state (T27)

  virtual Credentials& credentials() = 0;  // REQUIRES: authenticate or secret was raised and not yet answered
  // Answers Event::secret. `secret`: empty if there is no such user, or he has none of use; how the attempt goes on is
  // the same then, to its end. Returns authenticate (answer that next), or need_input: the client has been challenged.
  virtual Event supply(const StoredSecret& secret, Out& out) = 0;

  // What the backend wants its user to read, before accept() or refuse(). REQUIRES: printable, no CR or LF.
  virtual void alert(Bytes text, Out& out) = 0;
  // The login succeeded. `backend` is what the backend lists after login (empty: unknown); what the client is shown
  // is that list after CapabilityPolicy. Afterwards the dialogue is over.
  virtual void accept(const std::vector<std::string>& backend, Out& out) = 0;
  // The login failed. Returns hang_up when this was one failure too many, else need_input: feed the rest (T19).
  virtual Event refuse(const Refusal& refusal, Out& out) = 0;
  virtual void farewell(Farewell why, Out& out) = 0;

  // What the client said with ID, ready to be forwarded: IMAP `"key" "value"` pairs without the parentheses, no x- keys
  // (A4); or "NIL"; or empty if it said nothing. Valid until tls_established().
  virtual std::string_view client_id() const = 0;
  // How many proxies a login may pass from us on, as the proxy before us said with IMAP's ID or POP3's XCLIENT. Nothing
  // if it did not, or if whoever connects is none (FrontPolicy::peer_is_proxy). Valid until tls_established().
  virtual std::optional<unsigned> hops_left() const = 0;
  // What the proxy before us said of its client, with the first ID or XCLIENT; client_id and hops_left are not in it.
  // Null if it said nothing, or if it is not believed (FrontPolicy::peer_speaks). Valid until tls_established().
  virtual const ClientFacts* told() const = 0;
  virtual std::string_view state_name() const = 0;  // for logs: static text
  virtual unsigned commands() const = 0;            // complete commands so far
  virtual bool said_quit() const = 0;               // the client asked for LOGOUT or QUIT
};

}  // namespace postigo
