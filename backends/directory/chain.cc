// Walks the directories for one attempt and evens out what it costs. Not here: deadlines (the session destroys the
// Lookup), delays after a refusal (the session), caching.
#include "backends/directory/chain.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "backends/client_network.h"
#include "backends/directory/entry.h"
#include "backends/directory/password.h"

namespace postigo {

struct Chain::Parts {
  Env& env;
  std::vector<Link> links;
  bool accept_unknown;
  std::string decoy;
  std::shared_ptr<ScramShapes> shapes;
  bool hashes;
};

namespace {

// Whoever he is: his backend will know. But no backend is asked whose a token is.
LookupResult passed(const Query& query) {
  LookupResult result;
  result.verdict = query.want == Want::token ? Verdict::no_such_user : Verdict::ok;
  result.identity.user = query.user;
  return result;
}

}  // namespace

// Owned by the caller's Lookup through its Ticket; destroying that destroys the inner Lookup and with it all work.
class Chain::Attempt final : public Ticket::Operation, public std::enable_shared_from_this<Attempt> {
 public:
  Attempt(std::shared_ptr<const Parts> chain, Lookup& outer, const Query& query)
      : chain_(std::move(chain)), outer_(&outer), query_(query) {}

  void cancel() override {
    outer_ = nullptr;
    inner_.reset();
    work_.cancel();
  }

  void ask(size_t index) {
    index_ = index;
    if (index == chain_->links.size()) return nobody_knows();
    inner_.emplace([this](LookupResult&& result) { answered(std::move(result)); });
    const Link& link = chain_->links[index];
    link.directory->start(*inner_, link.saslprep ? prepared() : query_);
  }

 private:
  void answered(LookupResult&& result) {
    auto self = shared_from_this();  // finish() may destroy the outer Lookup, and with it this
    const Link& link = chain_->links[index_];
    switch (result.verdict) {
      case Verdict::no_such_user:
        return ask(index_ + 1);
      case Verdict::try_later:
        return finish(std::move(result));
      case Verdict::ok:
      case Verdict::bad_credentials:
      case Verdict::disabled:
      case Verdict::unusable:
        if (!chain_->hashes || link.checks_password || !costs_a_hash()) return finish(std::move(result));
        finish_after_hash(std::move(result));
    }
  }

  // A password that cannot be prepared is nobody's; it is asked about as it is, which costs the same.
  const Query& prepared() {
    if (!prepared_) prepared_ = query_;
    if (auto form = prepared_password(query_.password)) prepared_->password = std::move(*form);
    return *prepared_;
  }

  // What was said in clear is hashed once, whoever said it; other questions are never about a password.
  bool costs_a_hash() const { return query_.want == Want::verdict; }

  void nobody_knows() {
    LookupResult result;
    result.verdict = Verdict::no_such_user;
    if (chain_->accept_unknown) result = passed(query_);
    if (chain_->hashes && costs_a_hash()) return finish_after_hash(std::move(result));
    if (query_.want == Want::secret && secret_costs(chain_->decoy, query_.mechanism)) {
      return wait(Turn::Rank::usual, true, [this, result] { finish(LookupResult(result)); });
    }
    finish_later(std::move(result));
  }

  // A refusal waits where that of a known user waits (entry.h); the hash is in the last line.
  void finish_after_hash(LookupResult&& result) {
    const bool ok = result.verdict == Verdict::ok;
    auto end = [this, kept = std::make_shared<LookupResult>(std::move(result))] { finish(std::move(*kept)); };
    if (ok) return wait(Turn::Rank::usual, true, end);
    wait(Turn::Rank::usual, false, [this, end] { wait(Turn::Rank::last, true, end); });
  }

  void wait(Turn::Rank rank, bool hash, std::function<void()> then) {
    auto job = [hash, query = query_, decoy = chain_->decoy] {
      if (!hash) return;
      if (query.want == Want::secret) return void(stored_secret(decoy, query.mechanism, query.user));
      (void)verify_password(query.password, decoy);
    };
    const Turn turn{rank, client_network(query_.client_ip), hash};
    auto ticket = chain_->env.offload(Env::Pool::password, turn, std::move(job), std::move(then));
    if (ticket) {
      work_ = std::move(*ticket);
    } else {
      finish_later(try_later(ticket.error().message));
    }
  }

  void finish_later(LookupResult&& result) {
    auto kept = std::make_shared<LookupResult>(std::move(result));
    work_ = chain_->env.defer([this, kept] { finish(std::move(*kept)); });
  }

  void finish(LookupResult&& result) {
    auto self = shared_from_this();
    if (query_.want == Want::secret) shape(result.secret);
    if (outer_) outer_->finish(std::move(result));
  }

  void shape(StoredSecret& secret) const {
    const auto hash = scram_hash_of(query_.mechanism);
    if (!hash) return;
    const std::optional<ScramKeys>& keys = *hash == ScramHash::sha1 ? secret.sha1 : secret.sha256;
    if (keys) chain_->shapes->saw(*hash, *keys);
    secret.decoy = chain_->shapes->of(*hash);
  }

  std::shared_ptr<const Parts> chain_;
  Lookup* outer_;
  Query query_;
  std::optional<Query> prepared_;
  size_t index_ = 0;
  std::optional<Lookup> inner_;
  Ticket work_;
};

Chain::Chain(Env& env, std::vector<Link> links, bool accept_unknown, std::string decoy,
             std::shared_ptr<ScramShapes> shapes) {
  const bool hashes = std::any_of(links.begin(), links.end(), [](const Link& link) { return link.checks_password; });
  parts_ = std::make_shared<const Parts>(
      Parts{env, std::move(links), accept_unknown, std::move(decoy), std::move(shapes), hashes});
}

void Chain::start(Lookup& lookup, const Query& query) {
  if (parts_->links.empty()) return answer_later(parts_->env, lookup, passed(query));
  auto attempt = std::make_shared<Attempt>(parts_, lookup, query);
  lookup.hold(Ticket(attempt));
  attempt->ask(0);
}

}  // namespace postigo
