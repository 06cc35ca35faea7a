// THE SEAM: what a protocol is to the rest of Postigo. Bytes in, bytes out, events up; no I/O, no clock, no log.
//
// Contracts that every implementation keeps, and tests/dialogue proves at every split of the input:
//  - feed() consumes whole messages and stops at the first event. Bytes that it did not consume stay with the caller,
//    who offers them again (with more behind them) later; after logged_in they are the first bytes of the relay.
//    need_input with consumed < input.size() means: the rest is an incomplete message, come back with more.
//  - How the input is cut into calls changes neither events nor output nor state.
//  - Behind a front's start_tls the rest of the input is the beginning of TLS and nothing else (RFC 9051 6.2.1; T27,
//    A1): the caller gives it to TLS. A back raises start_tls only when nothing follows it in the buffer: a server does
//    not speak first, so whatever came along is forged (T28, A18).
//  - authenticate suspends the dialogue: the caller answers with accept() or refuse() before it feeds again.
//  - secret suspends it as well: the caller answers with supply(), or with refuse(), which ends the attempt. After
//    supply() the attempt goes on, and ends in authenticate or abandoned, or with the dialogue.
//  - After hang_up the caller sends what is in Out and closes.
// Objects are confined to one thread and hold no reference to the buffers that they were fed from.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "parser/base/bytes.h"
#include "parser/base/counter.h"
#include "parser/base/out.h"
#include "parser/base/secret.h"
#include "parser/sasl/facts.h"
#include "parser/sasl/stored_secret.h"

namespace postigo {

enum class Event {
  need_input,    // feed more
  start_tls,     // front: reply is in Out, send it, then handshake with what is left of the input; back: handshake now
  authenticate,  // front only: credentials() are complete
  secret,        // front only: credentials() say who; what is kept of his password is wanted, see supply()
  abandoned,     // front only: the client has broken off the attempt for which a secret was supplied; feed the rest
  logged_in,     // back only: capabilities() are set, leftovers belong to the relay
  refused,       // back only: the backend says no to this user; reply() tells how
  ready,         // back only, if BackPolicy::until_ready: all is done but the login; over, or on with log_in()
  unavailable,   // back only: this backend cannot serve now (temporary, protocol error, no TLS); another one might
  hang_up,       // send what is in Out, then close
};

struct Step {
  size_t consumed = 0;
  Event event = Event::need_input;
};

// What operators may change about capability lists; shared by the login reply and the relay filter.
// Names in upper case. `add` is said even if the backend does not; `hide` wins over everything.
struct CapabilityPolicy {
  std::vector<std::string> hide;
  std::vector<std::string> add;
  std::vector<std::string> before_login;  // IMAP: shown before login too, for clients that never ask again (T36)
  std::string sasl;                       // POP3: "SASL PLAIN LOGIN", or empty; announced after login too (RFC 2449 5)
  bool allow_compress = false;            // lets COMPRESS=DEFLATE pass; the filter steps aside once it is used (T40)
};

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

// What a passdb of Dovecot's had its proxy tell the next server, whose passdb calls it forward_NAME.
struct ForwardField {
  std::string name, value;
  bool operator==(const ForwardField&) const = default;
};

// Facts of the client for a backend that trusts us (login/facts.h). Textual addresses; what is empty or 0 is unknown.
struct ClientFacts {
  std::string client_ip;
  uint16_t client_port = 0;
  std::string local_ip;
  uint16_t local_port = 0;
  std::string session_id;
  std::optional<bool> tls = false;      // the client's own connection is encrypted; nothing: unknown
  std::string client_id;                // FrontDialogue::client_id()
  static constexpr unsigned kHops = 5;  // as Dovecot begins
  unsigned hops_left = kHops;           // that the login has from the backend on (T63)
  std::string local_name;               // that the client asked for by TLS (SNI)
  std::vector<ForwardField> forward{};  // login/forward_fields.h
};

// What stands behind the name in Credentials.
enum class Proof {
  password,     // that he says; a directory or a backend knows whether it is right
  proven,       // the mechanism has seen that he has the secret that was supplied
  rejected,     // or that he has not
  token,        // a bearer token, in `password`; `user` may be empty, as the token says whose it is
  certificate,  // that of the client's TLS has this name in it
  anonymous,    // nothing: he asks to be let in as nobody
};

// Who the client says he is. `mechanism` is "LOGIN", "PLAIN", ... or "USER" (POP3 USER/PASS).
// Names and passwords are octets of any character set (T76), but for NUL, CR and LF (T7, T8, A2).
struct Credentials {
  std::string mechanism;
  std::string user;
  std::string authzid;  // empty, or another identity than user that the client wants to act as (T24)
  Secret password;
  Proof proof = Proof::password;
  // False: nobody can have such a name or password (too long, empty, a line end in it). It is to be refused as a wrong
  // one is, without asking anybody; `user` is for the log, and there is no password.
  bool possible = true;
};

// Why a login did not succeed, towards the client. The table of RFC 5530 / RFC 3206 codes stands in each front.
struct Refusal {
  enum class Kind {
    bad_credentials,       // the one text for unknown user, wrong password and disabled account (A21)
    authorization_failed,  // authzid not permitted: NO [AUTHORIZATIONFAILED]
    unavailable,           // NO [UNAVAILABLE] / -ERR [SYS/TEMP]
    server_bug,            // our misconfiguration: NO [SERVERBUG] / -ERR
    too_many,              // a connection limit: NO [LIMIT] / -ERR [IN-USE]
    relayed,               // a code of the backend's that is registered, with our words (A21)
  };
  Kind kind = Kind::unavailable;
  std::string code;              // relayed only: without brackets, upper case
  std::string token_error = {};  // of a token: what the client is told of it (RFC 7628 3.2.2); empty: no more than "no"
};

// Why we end a connection on our own account.
enum class Farewell { idle_too_long, shutting_down, too_many_connections, backend_lost, internal_error };

// The backend's final answer to the login.
struct BackendReply {
  std::string code;  // response code without brackets ("AUTHENTICATIONFAILED", "SYS/TEMP", "IN-USE"), may be empty
  std::string text;  // printable, no CR or LF; fit for a log: repeats nothing of what we said to log in (login/echo.h)
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

struct BackPolicy {
  enum class Tls { off, starttls, implicit };
  // A text that must be shown to people can fool them, if it is not the backend's own (T47).
  enum class Alerts { never, under_tls, always };
  Tls tls = Tls::off;
  bool forward_client = false;    // the backend trusts us: send ClientFacts
  Alerts alerts = Alerts::never;  // which may pass; "always": but not what came in clear before STARTTLS (T28)
  bool until_ready = false;       // no login: greeting, TLS and capabilities only, and then Event::ready
  bool proxy_header = false;      // one went before all that we say: an answer to it is no answer to us
};

// How to log in. authzid empty: plain user/password (LOGIN, USER/PASS or SASL PLAIN, whatever the backend knows).
// authzid set: SASL PLAIN only, with authcid as the master user.
struct BackLogin {
  std::string authzid;
  std::string authcid;
  Secret password;
  ClientFacts facts;
  bool master = false;  // the password is not the user's: he is verified, and a refusal is between us and the backend
  std::string nonce;    // letters and digits that nobody can guess: no answer comes before its question (IMAP tags)
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

// Up to kMax spans to write, in order. Each points into the filter's input or into its own small buffer, and is valid
// until the next call into the filter or until the input goes.
class Slices {
 public:
  static constexpr size_t kMax = 16;
  void add(Bytes bytes) {
    if (!bytes.empty()) items_[count_++] = bytes;
  }
  bool full() const { return count_ + 2 > kMax; }  // room for two more is what a filter needs to go on
  void clear() { count_ = 0; }
  std::span<const Bytes> all() const { return {items_.data(), count_}; }

 private:
  std::array<Bytes, kMax> items_{};
  size_t count_ = 0;
};

struct FilterStep {
  enum class State {
    ok,       // all consumed, or call again with the rest once the slices are written (slices or own buffer were full)
    more,     // client direction only: the rest is an incomplete line; offer it again with more behind it
    blocked,  // client direction only: the rest may pass only after the backend has spoken; offer it again then
    broken,   // the stream breaks the protocol in a way that we cannot relay safely: close the session
  };
  size_t consumed = 0;
  State state = State::ok;
};

// Where a filter counts. All of it outlives the filter.
struct FilterCounts {
  // Not explicit: who only wants commands counted names their array.
  FilterCounts(Counter* verbs_, Counter* lists_ = nullptr) : verbs(verbs_), lists(lists_) {}
  Counter* verbs;  // the client's commands: Protocol::verbs.size() entries
  Counter* lists;  // the backend's capability lists that were rewritten; may be null
};

// After login, both directions. Rewrites what must be rewritten, at any chunking; never looks into literals; O(1)
// memory.
class RelayFilter {
 public:
  virtual ~RelayFilter() = default;
  virtual FilterStep from_client(Bytes in, Slices& out) = 0;
  virtual FilterStep from_backend(Bytes in, Slices& out) = 0;
  // What is held back is held so long at most, counted from the call that left it: then the caller says give_up() and
  // offers the rest again. 0: nobody waits. Ask after each call.
  virtual uint32_t patience_ms() const { return 0; }
  // Returns what was waited for, for a log: static text.
  virtual std::string_view give_up() { return {}; }
  virtual bool at_line_start()
      const = 0;  // backend to client: between two responses, a line of ours would be legal (T46)
  virtual bool transparent() const = 0;  // the stream became opaque (COMPRESS): bytes pass unseen from here on
  virtual bool said_quit() const = 0;    // the client asked for LOGOUT or QUIT
  virtual uint64_t commands() const = 0;
  // What may be said to the client right now on our own account, or nothing: only IMAP allows it, and only between two
  // responses (T46, T49). Static text.
  virtual Bytes farewell(Farewell) const { return {}; }
};

// One row of the table in protocols.cc.
struct Protocol {
  std::string_view name;  // "imap", "pop3": in configuration, metrics, logs
  std::string_view alpn;  // RFC 7301 registry
  uint16_t port = 0;      // clear text and STARTTLS
  uint16_t tls_port = 0;  // implicit TLS
  // What a probe of ours says: after logged_in a command that changes nothing, what the line begins with that answers
  // it well, and at the end, whatever came before, a client's good-bye.
  std::string_view noop, noop_done, goodbye;
  std::span<const std::string_view> verbs;  // what RelayFilter counts; the last one is "other"
  // `facts` outlive the dialogue.
  std::unique_ptr<FrontDialogue> (*make_front)(const FrontPolicy& policy, bool tls, const sasl::Facts& facts) = nullptr;
  std::unique_ptr<BackDialogue> (*make_back)(const BackPolicy& policy, BackLogin login) = nullptr;
  // What the client is told when the backend refused.
  Refusal (*refusal_for)(const BackendReply& reply) = nullptr;
  // `backend`: what it lists after login, in upper case; empty: unknown. Read in the call only.
  std::unique_ptr<RelayFilter> (*make_filter)(std::shared_ptr<const CapabilityPolicy> policy,
                                              std::span<const std::string> backend, FilterCounts counts) = nullptr;
};

// Null if there is no such protocol.
const Protocol* find_protocol(std::string_view name);
std::span<const Protocol> protocols();
// The place of one of them there.
inline size_t index_of(const Protocol& protocol) { return static_cast<size_t>(&protocol - protocols().data()); }

}  // namespace postigo
