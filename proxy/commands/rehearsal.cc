// The steps of a login in the order in which session/login*.cc takes them, one after the other. Not here: what a client
// of a mechanism says (played_client.cc), how it is shown (auth_test.cc).
#include "proxy/commands/rehearsal.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include "backends/directory/conditions.h"
#include "backends/impersonation.h"
#include "parser/base/ascii.h"
#include "parser/front.h"
#include "parser/sasl/crypto.h"
#include "parser/sasl/offer.h"
#include "proxy/commands/played_client.h"
#include "proxy/session/facts.h"
#include "proxy/session/refused_by.h"

namespace postigo::commands {

namespace {

// As of a connection to the listener with all that it may have.
class PlayedFacts final : public sasl::Facts {
 public:
  explicit PlayedFacts(const Visitor& visitor) : visitor_(visitor) {}

  std::string unique() const override { return unique_text(); }
  std::string channel_binding(std::string_view) const override { return "rehearsal"; }
  std::string certificate_name() const override { return visitor_.user; }
  Bytes decoy_key() const override { return "rehearsal"; }

 private:
  const Visitor& visitor_;
};

Want want_of(sasl::Asks asks) {
  switch (asks) {
    case sasl::Asks::verdict:
      break;
    case sasl::Asks::secret:
      return Want::secret;
    case sasl::Asks::token:
      return Want::token;
    case sasl::Asks::account:
      return Want::account;
  }
  return Want::verdict;
}

std::shared_ptr<const Circumstances> circumstances_of(const Visitor& visitor) {
  auto all = std::make_shared<Circumstances>();
  all->listener = visitor.listener->name;
  all->session_id = "auth-test";
  if (!visitor.listener->addresses.empty()) {
    all->local_ip = visitor.listener->addresses.front().host;
    all->local_port = visitor.listener->addresses.front().port;
  }
  all->tls = visitor.listener->tls != config::Tls::off;
  return all;
}

}  // namespace

bool Rehearsal::offered(const config::Live& live, const Visitor& visitor) {
  const sasl::Mechanism& mechanism = *visitor.mechanism;
  const config::Listener& listener = *visitor.listener;
  if (mechanism.certificate && listener.client_certificate == config::ClientCertificate::off) return false;
  if (mechanism.name == "APOP" && listener.protocol != "pop3") return false;
  FrontPolicy policy;
  policy.plaintext_login_allowed = listener.plaintext_login;
  policy.mechanisms = live.auth.mechanisms;
  const bool tls = listener.tls != config::Tls::off;
  return sasl::offered(policy, tls, PlayedFacts(visitor), mechanism.name) == sasl::Offered::yes;
}

Outcome Rehearsal::run() {
  Credentials credentials;
  Passed passed = exchange(credentials);
  if (passed) passed = prove(credentials);
  if (passed) passed = identify();
  Outcome outcome;
  outcome.why = std::move(why_);
  if (!passed) outcome.refused = passed.error();
  const std::string himself = acting_as_.empty() ? std::string() : claimed_;
  outcome.keys = keys_of(live_.auth.backend_login, identity_, credentials, himself);
  outcome.identity = std::move(identity_);
  return outcome;
}

// Until the mechanism has all that its client has to say.
Rehearsal::Passed Rehearsal::exchange(Credentials& credentials) {
  PlayedFacts facts(visitor_);
  const std::string timestamp = sasl::message_id(facts, live_.hostname);
  auto server = visitor_.mechanism->make({facts, live_.hostname, visitor_.mechanism->binds, timestamp});
  BackLogin login;
  login.authzid = visitor_.authzid;
  login.authcid = visitor_.user;
  login.password = visitor_.secret;
  auto client = make_played_client(visitor_.mechanism->name, login, facts, timestamp);
  const std::optional<Secret> initial = client->initial();
  const Bytes first = initial ? initial->reveal() : Bytes();
  std::string challenge;
  for (auto status = server->step(initial ? &first : nullptr, challenge, credentials);;) {
    switch (status) {
      case sasl::Status::done:
        return {};
      case sasl::Status::malformed:
        return refuse(Refused::wrong, "the mechanism takes no such name or secret");
      case sasl::Status::need_secret: {
        StoredSecret kept;
        if (auto found = find_secret(credentials, kept); !found) return found;
        status = server->supply(kept, challenge, credentials);
        break;
      }
      case sasl::Status::challenge: {
        auto answer = client->respond(challenge);
        if (!answer) return refuse(Refused::wrong, answer.error().message);
        const Bytes octets = answer->reveal();
        status = server->step(&octets, challenge, credentials);
        break;
      }
    }
  }
}

Rehearsal::Passed Rehearsal::claim(const Credentials& credentials) {
  const bool nobody = credentials.proof == Proof::anonymous;
  auto name = nobody ? live_.auth.anonymous_user : router_.normalise(credentials.user);
  auto other = router_.normalise(credentials.authzid);
  if (!name || !other)
    return refuse(Refused::wrong, "no login has such a name: " + (name ? other : name).error().message);
  claimed_ = std::move(*name);
  acting_as_ = std::move(*other);
  if (acting_as_ == claimed_) acting_as_.clear();
  if (!credentials.possible) return refuse(Refused::wrong, "nobody can have such a name or secret");
  if (!may_act()) return refuse(Refused::not_allowed, "no [[auth.impersonation]] allows it");
  return {};
}

Rehearsal::Passed Rehearsal::find_secret(Credentials& credentials, StoredSecret& kept) {
  if (auto claimed = claim(credentials); !claimed) return claimed;
  const Query query = question(claimed_, Want::secret);
  LookupResult result = asking_.ask(query);
  if (result.verdict == Verdict::try_later) return refuse(Refused::directory_away, result.detail);
  unproven_ = result.verdict == Verdict::ok ? Verdict::bad_credentials : result.verdict;
  kept = std::move(result.secret);
  if (result.verdict != Verdict::ok) kept = {.decoy = kept.decoy};
  why_ = bars_of(query);
  if (result.verdict == Verdict::ok && kept.empty()) why_ = "what is kept of him is of no use for " + query.mechanism;
  identity_ = std::move(result.identity);
  credentials.user = claimed_;
  return {};
}

Rehearsal::Passed Rehearsal::prove(const Credentials& credentials) {
  if (unproven_) {
    const bool proven = credentials.possible && credentials.proof == Proof::proven;
    if (!proven) return refuse(refused_by(*unproven_, identity_.barred), std::move(why_));
    if (identity_.disabled) return refuse(refused_by(Verdict::disabled, identity_.barred), std::move(why_));
    return {};
  }
  if (auto claimed = claim(credentials); !claimed) return claimed;
  Query query = question(claimed_, want_of(visitor_.mechanism->asks));
  query.password = credentials.password;
  LookupResult result = asking_.ask(query);
  unjudged_ = query.want == Want::token && result.verdict == Verdict::no_such_user && !claimed_.empty() &&
              std::any_of(live_.backends.begin(), live_.backends.end(),
                          [](const config::Backend& each) { return each.forward_tokens; });
  if (unjudged_) return {};  // its backend will say
  if (auto judged = judge(result, query); !judged) return judged;
  identity_ = std::move(result.identity);
  return {};
}

Rehearsal::Passed Rehearsal::identify() {
  const bool token = visitor_.mechanism->asks == sasl::Asks::token;
  const std::string& name = identity_.user;
  if (token) {
    if (name.empty() && claimed_.empty()) return refuse(Refused::unknown, "the token names nobody");
    if (auto called = be_called_as(claimed_, Spelling::dropped); !called) return called;
    if (!claimed_.empty() && claimed_ != name) acting_as_ = claimed_;  // the token is another's than the name
    claimed_ = name;
    if (!may_act()) return refuse(Refused::not_allowed, "the token is of " + claimed_);
  }
  if (auto called = be_called_as(claimed_, Spelling::kept); !called) return called;
  identity_.verified = identity_.verified || (visitor_.mechanism->asks != sasl::Asks::verdict && !unjudged_);
  const bool placed = !identity_.pool.empty() || !identity_.shard.empty() || !identity_.backend.empty();
  if (token && (!placed || !acting_as_.empty())) {
    if (auto found = find_himself(); !found) return found;
  }
  return acting_as_.empty() ? Passed() : find_other();
}

// Where others than the issuer of his token know him; they need not.
Rehearsal::Passed Rehearsal::find_himself() {
  const Query query = question(claimed_, Want::account);
  LookupResult result = asking_.ask(query);
  if (result.verdict == Verdict::no_such_user && !unjudged_) return {};
  if (auto judged = judge(result, query); !judged) return judged;
  return take(std::move(result.identity), claimed_);
}

Rehearsal::Passed Rehearsal::find_other() {
  const Query query = question(acting_as_, Want::account);
  LookupResult result = asking_.ask(query);
  if (auto judged = judge(result, query); !judged) {
    const bool ours = result.verdict == Verdict::try_later || result.verdict == Verdict::unusable;
    if (ours) return judged;
    return refuse(identity_.verified ? Refused::not_allowed : Refused::unknown, "of " + acting_as_ + ": " + why_);
  }
  return take(std::move(result.identity), acting_as_);
}

Rehearsal::Passed Rehearsal::take(Identity identity, const std::string& name) {
  const bool verified = identity_.verified;
  identity_ = std::move(identity);
  identity_.verified = verified;
  return be_called_as(name, Spelling::kept);
}

Rehearsal::Passed Rehearsal::be_called_as(const std::string& otherwise, Spelling spelling) {
  if (be_called(identity_, otherwise, spelling, router_)) return {};
  return refuse(Refused::unknown, "no login has the name that it gives him: " + printable(identity_.user));
}

Rehearsal::Passed Rehearsal::judge(const LookupResult& result, const Query& query) {
  if (result.verdict == Verdict::ok) return {};
  if (result.verdict == Verdict::try_later) return refuse(Refused::directory_away, result.detail);
  std::string why = result.verdict == Verdict::disabled ? bars_of(query) : std::string();
  return refuse(refused_by(result.verdict, result.identity.barred), why.empty() ? result.detail : std::move(why));
}

// Of the directory that has answered last: the chain ends there.
std::string Rehearsal::bars_of(const Query& query) const {
  if (asking_.steps().empty() || !asking_.steps().back().found) return {};
  return bars_in_words(query, *asking_.steps().back().found, std::time(nullptr));
}

Query Rehearsal::question(const std::string& user, Want want) const {
  Query query;
  query.user = user;
  query.mechanism = visitor_.mechanism->name;
  query.protocol = visitor_.listener->protocol;
  query.listener = visitor_.listener->name;
  query.client_ip = visitor_.address;
  query.want = want;
  if (asking_.curious()) query.circumstances = circumstances_of(visitor_);
  return query;
}

Rehearsal::Passed Rehearsal::refuse(Refused reason, std::string why) {
  why_ = std::move(why);
  return tl::unexpected(reason);
}

bool Rehearsal::may_act() const {
  return acting_as_.empty() || may_act_as(live_.auth.impersonation, claimed_, acting_as_);
}

}  // namespace postigo::commands
