// The directory of tokens: whose is a bearer token, and is it good? Looks at signatures itself, with keys from a file,
// from a URL or from where the issuer's discovery document says (OpenID Connect Discovery 4), or asks the issuer about
// each token (RFC 7662). It knows no passwords, and no places: the chain asks others where the user lives.
//
// Keys are one set for all workers. They serve on while nobody can be asked for newer ones. Not here: what a token must
// say (oauth/jwt.cc), keys (oauth/jwk.cc).
#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "backends/directory/entry.h"
#include "backends/directory/password.h"
#include "backends/directory/source.h"
#include "backends/oauth/jwk.h"
#include "backends/oauth/jwt.h"
#include "parser/base/ascii.h"

namespace postigo {
namespace {

using Json = nlohmann::json;
using oauth::JwkSet;
using oauth::Opinion;

constexpr int64_t kUnknownKeyEvery_s = 30;  // a token with a made-up key must not make us ask without end
constexpr int64_t kFailureEvery_s = 5;
constexpr std::string_view kWellKnown = "/.well-known/openid-configuration";

bool is_url(std::string_view text) { return text.starts_with("https://") || text.starts_with("http://"); }

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail("cannot read " + path);
  std::string text(JwkSet::kTextMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  return text;
}

// What is known of the issuer. Replaced as a whole.
struct Issuer {
  std::shared_ptr<const JwkSet> keys;  // null: none yet
  std::string introspection;           // URL; empty: tokens are judged here
  std::string why;                     // there is nothing, for our log
  int64_t asked_s = 0;                 // last
  int64_t got_s = 0;
};

class OAuthSource final : public DirectorySource {
 public:
  explicit OAuthSource(const config::Directory& from) : settings_(from) {
    const config::OAuth& x = from.oauth;
    terms_ = {x.issuer, x.audiences, x.scopes, x.algorithms, x.username, static_cast<int64_t>(x.leeway_ms / 1000)};
    issuer_.introspection = x.introspection;
  }

  Result<void> prepare();
  std::unique_ptr<Directory> make(Env& env) const override;
  std::string decoy() const override { return default_decoy(); }

  const config::Directory& settings() const { return settings_; }
  const oauth::Terms& terms() const { return terms_; }
  std::string discovery_url() const {
    const std::string& issuer = settings_.oauth.issuer;
    return issuer.substr(0, issuer.find_last_not_of('/') + 1) + std::string(kWellKnown);
  }

  // What all questions to the issuer have.
  HttpRequest request(const std::string& url) const {
    HttpRequest request;
    request.url = url;
    request.headers = {{"Accept", "application/json"}};
    request.tls_ca = settings_.tls_ca;
    request.tls_verify = settings_.tls_verify;
    request.timeout_ms = settings_.timeout_ms;
    return request;
  }

  Issuer issuer() const {
    std::lock_guard lock(mutex_);
    return issuer_;
  }
  // One worker asks at a time: true for whoever may, and then calls told().
  bool may_ask(int64_t now_s, int64_t every_s) const {
    std::lock_guard lock(mutex_);
    if (issuer_.asked_s != 0 && now_s - issuer_.asked_s < every_s) return false;
    issuer_.asked_s = now_s;
    return true;
  }
  void told(Result<JwkSet> keys, int64_t now_s) const {
    std::lock_guard lock(mutex_);
    if (!keys) {
      issuer_.why = keys.error().message;
      issuer_.asked_s = now_s;
      return;
    }
    issuer_.keys = std::make_shared<const JwkSet>(std::move(*keys));
    issuer_.why.clear();
    issuer_.got_s = now_s;
  }
  void told(const std::string& introspection) const {
    std::lock_guard lock(mutex_);
    issuer_.introspection = introspection;
  }
  bool due(int64_t now_s) const {
    std::lock_guard lock(mutex_);
    return now_s - issuer_.got_s >= static_cast<int64_t>(settings_.oauth.refresh_ms / 1000);
  }

 private:
  config::Directory settings_;
  oauth::Terms terms_;
  mutable std::mutex mutex_;
  mutable Issuer issuer_;
};

// A file must be right; a URL may be away.
Result<void> OAuthSource::prepare() {
  const config::OAuth& x = settings_.oauth;
  if (!x.introspection.empty() && !is_url(x.introspection)) return fail("oauth.introspection is no URL");
  if (x.jwks.empty() && x.introspection.empty()) {
    if (!x.discovery) return fail("without oauth.discovery, oauth.jwks or oauth.introspection must be set");
    if (!is_url(x.issuer)) return fail("oauth.issuer is no URL: set oauth.jwks, or oauth.introspection");
  }
  if (x.jwks.empty() || is_url(x.jwks)) return {};
  auto text = read_file(x.jwks);
  if (!text) return fail("oauth.jwks: " + text.error().message);
  auto keys = JwkSet::parse(*text);
  if (!keys) return fail("oauth.jwks: " + keys.error().message);
  issuer_.keys = std::make_shared<const JwkSet>(std::move(*keys));
  return {};
}

// One worker's way to newer keys; look-ups that need them wait for it.
class Fetcher : public std::enable_shared_from_this<Fetcher> {
 public:
  Fetcher(Env& env, std::shared_ptr<const OAuthSource> source) : env_(env), source_(std::move(source)) {}

  // Calls `then` when somebody has been asked, with whatever came of it; destroying the ticket forgets it.
  void wait(const std::shared_ptr<std::function<void()>>& then) {
    waiting_.push_back(then);
    begin();
  }
  void begin() {
    if (busy_) return;
    busy_ = true;
    const std::string& jwks = source_->settings().oauth.jwks;
    if (jwks.empty()) return discover();
    if (is_url(jwks)) return fetch_keys(jwks);
    auto text = std::make_shared<Result<std::string>>(fail("it was not read"));
    auto ticket = env_.offload(
        Env::Pool::lookup, {}, [text, jwks] { *text = read_file(jwks); },
        [self = weak_from_this(), text] {
          auto alive = self.lock();
          if (alive == nullptr) return;
          alive->got(*text ? JwkSet::parse(**text) : tl::unexpected((*text).error()));
        });
    if (!ticket) return later("too many look-ups are waiting");
    pending_ = std::move(*ticket);
  }

 private:
  void ask(const std::string& url, void (Fetcher::*then)(const HttpAnswer&)) {
    HttpRequest request = source_->request(url);
    request.method = "GET";
    pending_ = env_.fetch(std::move(request), [self = weak_from_this(), then](const HttpAnswer& answer) {
      if (auto alive = self.lock()) (alive.get()->*then)(answer);
    });
  }
  void discover() { ask(source_->discovery_url(), &Fetcher::discovered); }
  void fetch_keys(const std::string& url) { ask(url, &Fetcher::fetched); }

  void discovered(const HttpAnswer& answer) {
    if (answer.status != 200) return got(fail("discovery: " + said(answer)));
    const Json json = Json::parse(answer.body, nullptr, false);
    auto text = [&](const char* name) {
      auto found = json.is_object() ? json.find(name) : json.end();
      return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    if (!json.is_object()) return got(fail("discovery: the answer is no JSON object"));
    // Discovery 4.3: else somebody could speak for another issuer.
    if (text("issuer") != source_->terms().issuer) return got(fail("discovery: the document is another issuer's"));
    const std::string keys = text("jwks_uri"), introspection = text("introspection_endpoint");
    const std::string& next = is_url(keys) ? keys : introspection;
    // What has come over TLS must not lead to where anybody can put in keys of his own.
    if (source_->discovery_url().starts_with("https://") && next.starts_with("http://")) {
      return got(fail("discovery: the document leads from https to http, which is not followed"));
    }
    if (is_url(keys)) return fetch_keys(keys);
    if (!is_url(introspection)) return got(fail("discovery: the document names no keys (jwks_uri)"));
    source_->told(introspection);
    over();
  }

  void fetched(const HttpAnswer& answer) {
    if (answer.status != 200) return got(fail("keys: " + said(answer)));
    got(JwkSet::parse(answer.body));
  }

  static std::string said(const HttpAnswer& answer) {
    return answer.status == 0 ? answer.why : "status " + std::to_string(answer.status);
  }

  void later(const char* why) {
    pending_ = env_.defer([self = weak_from_this(), why] {
      if (auto alive = self.lock()) alive->got(fail(why));
    });
  }

  void got(Result<JwkSet> keys) {
    source_->told(std::move(keys), static_cast<int64_t>(env_.unix_time_s()));
    over();
  }

  void over() {
    auto alive = shared_from_this();
    busy_ = false;
    for (const auto& each : std::exchange(waiting_, {})) {
      if (auto then = each.lock()) (*then)();
    }
  }

  Env& env_;
  std::shared_ptr<const OAuthSource> source_;
  bool busy_ = false;
  Ticket pending_;
  std::vector<std::weak_ptr<std::function<void()>>> waiting_;
};

// One token, from the question to the verdict. Held by the Lookup through its Ticket.
class TokenCheck final : public Ticket::Operation, public std::enable_shared_from_this<TokenCheck> {
 public:
  TokenCheck(Env& env, Lookup& lookup, const Query& query, std::shared_ptr<const OAuthSource> source,
             std::shared_ptr<Fetcher> fetcher)
      : env_(env), lookup_(&lookup), token_(query.password), source_(std::move(source)), fetcher_(std::move(fetcher)) {}

  void cancel() override {
    lookup_ = nullptr;
    pending_.cancel();
    woken_.reset();
  }

  void begin() {
    const Issuer issuer = source_->issuer();
    if (!issuer.introspection.empty()) return introspect(issuer.introspection);
    if (issuer.keys == nullptr) return asked_ ? away(issuer.why) : wait_for_keys();
    judge(*issuer.keys);
  }

 private:
  int64_t now_s() const { return static_cast<int64_t>(env_.unix_time_s()); }

  void judge(const JwkSet& keys) {
    Opinion opinion = oauth::judge_token(token_.reveal(), keys, source_->terms(), now_s());
    const bool newer_may_know = opinion.what == Opinion::What::unknown_key && !asked_;
    if (newer_may_know && source_->may_ask(now_s(), kUnknownKeyEvery_s)) return wait_for_keys();
    // A newer set may have the key, and nobody could be asked for it: that is no "no".
    const Issuer issuer = source_->issuer();
    if (opinion.what == Opinion::What::unknown_key && !issuer.why.empty()) return away(issuer.why);
    // Nobody waits for newer keys as long as these serve.
    if (source_->due(now_s()) && source_->may_ask(now_s(), kUnknownKeyEvery_s)) fetcher_->begin();
    finish(std::move(opinion));
  }

  void wait_for_keys() {
    // Without any, each waits for whoever asks; and after a failure nobody asks for a while.
    const Issuer issuer = source_->issuer();
    const bool failed = issuer.keys == nullptr && !issuer.why.empty();
    if (failed && !source_->may_ask(now_s(), kFailureEvery_s)) return away(issuer.why);
    asked_ = true;
    woken_ = std::make_shared<std::function<void()>>([this] { begin(); });
    fetcher_->wait(woken_);
  }

  void introspect(const std::string& url) {
    HttpRequest request = source_->request(url);
    request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
    request.body = form(token_);
    request.login = source_->settings().login;
    request.password = Secret(source_->settings().password.reveal());
    pending_ = env_.fetch(std::move(request), [this](const HttpAnswer& answer) { introspected(answer); });
  }

  // RFC 7662 2.1; a token is letters, digits and few other characters, but who knows.
  static Secret form(const Secret& token) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    Secret body("token=");
    body.reserve(token.size() * 3 + 40);
    for (char c : token.reveal()) {
      const auto octet = static_cast<unsigned char>(c);
      const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                         c == '.' || c == '_' || c == '~';
      const char escaped[] = {'%', kHex[octet >> 4], kHex[octet & 15]};
      body.append(plain ? Bytes(&c, 1) : Bytes(escaped, sizeof escaped));
    }
    body.append("&token_type_hint=access_token");
    return body;
  }

  void introspected(const HttpAnswer& answer) {
    if (answer.status != 200) {
      return away("introspection: " + (answer.status == 0 ? answer.why : "status " + std::to_string(answer.status)));
    }
    Opinion opinion = oauth::judge_introspection(answer.body, source_->terms(), now_s());
    if (opinion.what == Opinion::What::unknown_key) return away("introspection: " + opinion.why);
    finish(std::move(opinion));
  }

  void away(const std::string& why) {
    finish_with(try_later("directory " + source_->settings().name + ": " + (why.empty() ? "no keys yet" : why)));
  }

  void finish(Opinion opinion) {
    LookupResult result;
    if (opinion.what == Opinion::What::good) {
      result.verdict = Verdict::ok;
      result.identity.user = std::move(opinion.user);
      result.identity.verified = true;
      result.good_until_s = opinion.expires_s;
    } else {
      result.verdict = Verdict::bad_credentials;
      result.detail = "directory " + source_->settings().name + ": the token is refused: " + opinion.why;
      result.token_error = error_of(opinion);
    }
    finish_with(std::move(result));
  }

  // RFC 7628 3.2.2: where to get a better one.
  std::string error_of(const Opinion& opinion) const {
    const bool scope = opinion.what == Opinion::What::no_scope;
    Json json = {{"status", scope ? "insufficient_scope" : "invalid_token"}};
    std::string scopes;
    for (const std::string& each : source_->terms().scopes) scopes += (scopes.empty() ? "" : " ") + each;
    if (!scopes.empty()) json["scope"] = scopes;
    if (source_->settings().oauth.discovery) json["openid-configuration"] = source_->discovery_url();
    return json.dump();
  }

  void finish_with(LookupResult result) {
    auto alive = shared_from_this();  // finish() may destroy the Lookup, and with it this
    if (lookup_ == nullptr) return;
    // On the next turn: a look-up never ends inside the call that began it.
    pending_ = env_.defer([this, alive = weak_from_this(), result = std::move(result)]() mutable {
      auto self = alive.lock();
      if (self != nullptr && lookup_ != nullptr) std::exchange(lookup_, nullptr)->finish(std::move(result));
    });
  }

  Env& env_;
  Lookup* lookup_;
  Secret token_;
  std::shared_ptr<const OAuthSource> source_;
  std::shared_ptr<Fetcher> fetcher_;
  bool asked_ = false;
  Ticket pending_;
  std::shared_ptr<std::function<void()>> woken_;
};

class OAuthDirectory final : public Directory {
 public:
  OAuthDirectory(Env& env, std::shared_ptr<const OAuthSource> source)
      : env_(env), source_(std::move(source)), fetcher_(std::make_shared<Fetcher>(env, source_)) {}
  std::string_view name() const override { return source_->settings().name; }

  void start(Lookup& lookup, const Query& query) override {
    if (query.want != Want::token) return answer_later(env_, lookup, {Verdict::no_such_user, {}, {}});
    auto check = std::make_shared<TokenCheck>(env_, lookup, query, source_, fetcher_);
    lookup.hold(Ticket(check));
    check->begin();
  }

 private:
  Env& env_;
  std::shared_ptr<const OAuthSource> source_;
  std::shared_ptr<Fetcher> fetcher_;
};

std::unique_ptr<Directory> OAuthSource::make(Env& env) const {
  return std::make_unique<OAuthDirectory>(env, std::static_pointer_cast<const OAuthSource>(shared_from_this()));
}

}  // namespace

Result<SharedSource> load_oauth_directory(const config::Directory& from) {
  auto source = std::make_shared<OAuthSource>(from);
  if (auto ready = source->prepare(); !ready) return fail("directory " + from.name + ": " + ready.error().message);
  return SharedSource(std::move(source));
}

}  // namespace postigo
