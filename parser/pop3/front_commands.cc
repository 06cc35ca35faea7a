// What each command does in the AUTHORIZATION state: CAPA, STLS, and four ways to say who one is (RFC 1939 4, 7; RFC
// 2449, 2595, 5034). A QUIT here is ours alone: no backend has heard of this client yet (T50).
#include <algorithm>
#include <charconv>

#include "parser/base/ascii.h"
#include "parser/login/facts.h"
#include "parser/login/forward_fields.h"
#include "parser/pop3/capa.h"
#include "parser/pop3/front_dialogue.h"
#include "parser/sasl/credentials.h"

namespace postigo::pop3 {
namespace {

constexpr Bytes kLineEnd = "\r\n";
constexpr Bytes kUnknownCommand = "-ERR Unknown command.\r\n";

// [SYS/PERM], not [AUTH]: RFC 3206 4 has clients ask for another password on [AUTH], and the password is not at fault.
constexpr Bytes kNoPasswords = "-ERR [SYS/PERM] Passwords are not taken here, use AUTH.\r\n";
constexpr Bytes kNoClearText = "-ERR [SYS/PERM] Cleartext login is not allowed, start TLS first.\r\n";

}  // namespace

// NOOP belongs to the TRANSACTION state (RFC 1939 5), but clients and monitors use it to see whether we live, and it
// costs nothing to say yes.
const Front::Row Front::kCommands[] = {
    {"CAPA", &Front::capa, false}, {"USER", &Front::user, true},       {"PASS", &Front::pass, true},
    {"AUTH", &Front::auth, true},  {"STLS", &Front::stls, false},      {"NOOP", &Front::noop, false},
    {"QUIT", &Front::quit, false}, {"XCLIENT", &Front::xclient, true}, {"APOP", &Front::apop, true},
};

Command split(Bytes line) {
  size_t space = line.find(' ');
  if (space == Bytes::npos) return {line, {}};
  return {line.substr(0, space), line.substr(space + 1)};
}

Event Front::on_command(const Command& command, Out& out) {
  if (attempts_.too_many_commands()) return hang_up("-ERR Too many commands without login.\r\n", out);
  attempts_.command();
  for (const Row& row : kCommands) {
    if (!equal_ignoring_case(command.verb, row.verb)) continue;
    if (!row.takes_args && !command.args.empty()) return bad("-ERR This command takes no argument.\r\n", out);
    return (this->*row.run)(command, out);
  }
  return bad(kUnknownCommand, out);  // never repeats the input: it may be another protocol's (A20)
}

Event Front::capa(const Command&, Out& out) {
  out.put("+OK Capability list follows\r\n");
  for (std::string_view tag : kPromised) {
    if (tag != "USER" || may_log_in()) put_capability(tag, out);
  }
  std::string sasl = "SASL";
  for (std::string_view mechanism : sasl::offers(policy_, tls_, facts_)) sasl.append(" ").append(mechanism);
  if (sasl != "SASL") put_capability(sasl, out);
  if (policy_.starttls_offered && !tls_) put_capability("STLS", out);
  return say(".\r\n", out);
}

void Front::put_capability(Bytes capability, Out& out) const {
  if (!hidden(*policy_.capabilities, tag_of(capability))) out.put({capability, kLineEnd});
}

Event Front::noop(const Command&, Out& out) { return say("+OK\r\n", out); }

Event Front::quit(const Command&, Out& out) {
  said_quit_ = true;
  return hang_up("+OK Bye.\r\n", out);
}

bool Front::note_hops(Bytes value) {
  unsigned hops = 0;
  auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), hops);
  if (error != std::errc() || end != value.data() + value.size()) return false;
  hops_left_ = std::min(hops, hops_left_.value_or(hops));
  return true;
}

// Of what a proxy before us tells (Dovecot's XCLIENT) only the hops count, unless it speaks for its clients: a balancer
// that hands a client's octets through is a proxy too, and he could say anything about his address. Fewer hops harm
// himself alone.
Event Front::xclient(const Command& command, Out& out) {
  if (!policy_.peer_is_proxy) return bad(kUnknownCommand, out);
  auto told = policy_.peer_speaks && !told_ ? nothing_told() : nullptr;
  for (Bytes rest = command.args; !rest.empty();) {
    Command word = split(rest);
    rest = word.args;
    const size_t equals = std::min(word.verb.find('='), word.verb.size());
    if (equals == word.verb.size()) continue;
    const Bytes key = word.verb.substr(0, equals), value = word.verb.substr(equals + 1);
    bool fine = !equal_ignoring_case(key, "TTL") || note_hops(value);
    if (told && fine)
      fine = equal_ignoring_case(key, "FORWARD") ? decode_forward(value, told->forward) : take_fact(*told, key, value);
    if (!fine) return bad("-ERR Invalid parameters.\r\n", out);
  }
  if (told) told_ = std::move(told);
  return say("+OK Updated\r\n", out);
}

Event Front::user(const Command& command, Out& out) {
  forget();
  if (!may_log_in()) return say(policy_.takes_passwords() ? kNoClearText : kNoPasswords, out);
  if (command.args.empty()) return bad("-ERR USER takes a name.\r\n", out);
  user_ = command.args;
  return say("+OK\r\n", out);  // the same for every name (RFC 1939 7 allows it, A21 wants it)
}

// The password is the rest of the line with all its spaces (T53).
Event Front::pass(const Command& command, Out& out) {
  if (!may_log_in()) return say(policy_.takes_passwords() ? kNoClearText : kNoPasswords, out);
  if (user_.empty()) return bad("-ERR USER comes first.\r\n", out);
  Credentials credentials = sasl::make_credentials("USER", {}, user_, command.args);
  forget();
  credentials_ = std::move(credentials);
  state_ = State::authenticating;
  return Event::authenticate;
}

// RFC 1939 7: all in one line. Where it is not offered it is no command.
Event Front::apop(const Command& command, Out& out) {
  forget();
  if (timestamp_.empty()) return bad(kUnknownCommand, out);
  sasl_.begin("APOP", setting());
  return on_sasl(sasl_.plain_response(command.args, credentials_), out);
}

Event Front::stls(const Command&, Out& out) {
  if (tls_) return bad("-ERR TLS is already active.\r\n", out);
  if (!policy_.starttls_offered) return bad("-ERR TLS is not available.\r\n", out);
  // Whatever came along with STLS was sent in clear text, by whomever: it is TLS's to refuse (T27, T55, A1).
  forget();
  state_ = State::starting_tls;
  out.put("+OK Begin TLS negotiation.\r\n");
  return Event::start_tls;
}

void Front::tls_established() {
  forget();
  tls_ = true;
  discarding_ = discarding_login_ = false;
  hops_left_.reset();
  told_.reset();
}

// --- AUTH (RFC 5034) ---

sasl::Setting Front::setting() const {
  return {facts_, policy_.hostname, sasl::offers_binding(policy_, tls_, facts_), timestamp_};
}

Event Front::auth(const Command& command, Out& out) {
  forget();
  if (command.args.empty()) return list_mechanisms(out);
  Command parts = split(command.args);
  sasl::Offered offered =
      equal_ignoring_case(parts.verb, "APOP") ? sasl::Offered::no : sasl::offered(policy_, tls_, facts_, parts.verb);
  if (offered == sasl::Offered::behind_tls) return say(kNoClearText, out);
  if (offered == sasl::Offered::no || !sasl_.begin(parts.verb, setting())) {
    return bad("-ERR Unsupported authentication mechanism.\r\n", out);
  }
  return on_sasl(parts.args.empty() ? sasl_.without_initial_response(credentials_)
                                    : sasl_.initial_response(parts.args, credentials_),
                 out);
}

// Older than CAPA and in no RFC that is still alive, but Outlook asks this way.
Event Front::list_mechanisms(Out& out) {
  out.put("+OK\r\n");
  for (std::string_view mechanism : sasl::offers(policy_, tls_, facts_)) out.put({mechanism, kLineEnd});
  return say(".\r\n", out);
}

Event Front::on_sasl(SaslExchange::Outcome outcome, Out& out) {
  using Outcome = SaslExchange::Outcome;
  switch (outcome) {
    case Outcome::challenge:
      state_ = State::sasl;
      out.put({"+ ", sasl_.challenge(), kLineEnd});
      return Event::need_input;
    case Outcome::need_secret:
      state_ = State::authenticating;
      return Event::secret;
    case Outcome::done:
      state_ = State::authenticating;
      return Event::authenticate;
    case Outcome::cancelled:
      return broken_off("-ERR Authentication cancelled.\r\n", false, out);
    case Outcome::not_base64:
      return broken_off("-ERR Invalid base64.\r\n", true, out);
    case Outcome::malformed:
      break;
  }
  return broken_off("-ERR Invalid authentication response.\r\n", true, out);
}

// Whoever has looked a secret up for it is told that it is over.
Event Front::broken_off(Bytes reply, bool bad_command, Out& out) {
  bool supplied = sasl_.supplied();
  forget();
  Event event = bad_command ? bad(reply, out) : say(reply, out);
  return supplied && event == Event::need_input ? Event::abandoned : event;
}

}  // namespace postigo::pop3
