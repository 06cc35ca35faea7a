// A directory that is a program which is asked over HTTP, on the worker's own loop (Env::fetch). What is asked and what
// the answer means is a dialect's (http_json.cc, http_nginx.cc, http_nauthilus.cc). Whatever is wrong with the answer
// is "try later", never "no such user".
#include "backends/directory/drivers/http.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <memory>
#include <utility>

#include "backends/directory/on_threads.h"
#include "backends/directory/password.h"
#include "backends/directory/source.h"
#include "parser/base/ascii.h"

namespace postigo {
namespace {

// All waiting that the other side asks for ends within so much time after the question, so that it ends before
// limits.lookup_timeout, which would make another verdict of it.
constexpr uint64_t kPatienceMs = 4'000;
constexpr uint64_t kAgainMs = 1'000;  // before it is asked again, if it does not say when

const HttpDialect* const kDialects[] = {&kHttpNginx, &kHttpJson, &kHttpNauthilus};

class HttpSource final : public DirectorySource {
 public:
  explicit HttpSource(const config::Directory& from)
      : settings_(from), checking_{from.check_password, default_decoy()} {
    auto row = std::find_if(std::begin(kDialects), std::end(kDialects),
                            [&](const HttpDialect* each) { return each->dialect == from.http.dialect; });
    dialect_ = *row;
  }

  Result<void> prepare();

  std::unique_ptr<Directory> make(Env& env) const override;
  void start(Env& env, Lookup& lookup, const Query& query) const;
  std::string decoy() const override { return checking_.decoy; }
  bool hashes() const override { return false; }
  bool curious() const override { return true; }

  const std::string& name() const { return settings_.name; }
  const HttpTerms& terms() const { return terms_; }
  const HttpDialect& dialect() const { return *dialect_; }
  const Checking& checking() const { return checking_; }
  HttpRequest request(Want want, const Query& query) const;

 private:
  void refuse(Env& env, Lookup& lookup, const char* why) const;

  config::Directory settings_;
  Checking checking_;
  const HttpDialect* dialect_;
  HttpTerms terms_;
  std::vector<std::pair<std::string, std::string>> headers_;
};

Result<void> HttpSource::prepare() {
  auto fields = FieldNames::parse(settings_.fields);
  if (!fields) return fail("fields: " + fields.error().message);
  terms_ = {settings_.name, settings_.http.url, std::move(*fields)};
  for (const std::string& header : settings_.http.headers) {
    const size_t colon = header.find(':');
    if (colon == 0 || colon == std::string::npos || !fits_in_line(header)) {
      return fail("http.headers: there is one that is not \"Name: value\"");
    }
    const size_t value = header.find_first_not_of(" \t", colon + 1);
    headers_.emplace_back(header.substr(0, colon), value == std::string::npos ? "" : header.substr(value));
  }
  if (!settings_.tls_ca.empty() && access(settings_.tls_ca.c_str(), R_OK) != 0) {
    return fail("tls_ca: cannot read " + settings_.tls_ca);
  }
  return {};
}

HttpRequest HttpSource::request(Want want, const Query& query) const {
  HttpRequest request;
  request.url = settings_.http.url;
  request.login = settings_.login;
  request.password = Secret(settings_.password.reveal());
  request.tls_ca = settings_.tls_ca;
  request.tls_verify = settings_.tls_verify;
  request.timeout_ms = settings_.timeout_ms;
  request.connections_max = settings_.http.connections_max;
  dialect_->ask(terms_, want, query, request);
  request.headers.insert(request.headers.end(), headers_.begin(), headers_.end());
  return request;
}

// One question, from the request to the verdict. Lives in the call-backs of what it waits for.
class HttpQuestion : public std::enable_shared_from_this<HttpQuestion> {
 public:
  HttpQuestion(Env& env, Lookup& lookup, const Query& query, std::shared_ptr<const HttpSource> source)
      : env_(env), lookup_(lookup), query_(query), source_(std::move(source)), began_ms_(env.now_ms()) {
    // Without check_password the backend checks it, and nobody else needs to know it.
    want_ = query.want == Want::verdict && !source_->checking().enabled ? Want::placement : query.want;
  }

  void ask() {
    lookup_.hold(env_.fetch(source_->request(want_, query_),
                            [self = shared_from_this()](const HttpAnswer& answer) { self->answered(answer); }));
  }

 private:
  void answered(const HttpAnswer& answer) {
    if (answer.status == 0) return finish({.detail = answer.why});
    if (answer.status >= 500 || answer.status == 429) {
      return finish({.detail = "status " + std::to_string(answer.status)});
    }
    HttpOpinion opinion = source_->dialect().understand(source_->terms(), want_, query_, answer);
    const uint64_t spent_ms = env_.now_ms() - began_ms_;
    const uint64_t left_ms = kPatienceMs - std::min(kPatienceMs, spent_ms);
    if (opinion.ask_again) {
      const uint64_t wait_ms = opinion.wait_ms == 0 ? kAgainMs : opinion.wait_ms;
      if (wait_ms >= left_ms) return finish({.detail = "it asks for more patience than there is"});
      return wait(wait_ms, [self = shared_from_this()] { self->ask(); });
    }
    if (opinion.wait_ms == 0) return finish(std::move(opinion));
    wait(std::min(opinion.wait_ms, left_ms),
         [self = shared_from_this(), opinion = std::move(opinion)]() mutable { self->finish(std::move(opinion)); });
  }

  void wait(uint64_t wait_ms, std::function<void()> then) { lookup_.hold(env_.after(wait_ms, std::move(then))); }

  void finish(HttpOpinion opinion) {
    if (opinion.verdict != Verdict::ok) {
      if (!opinion.detail.empty()) opinion.detail.insert(0, "directory " + source_->name() + ": ");
      return lookup_.finish({opinion.verdict, {}, std::move(opinion.detail)});
    }
    // Whose password is right is as good as somebody who was proven in another way.
    if (want_ == Want::verdict) query_.want = Want::account;
    answer(env_, lookup_, query_, {std::move(opinion.entry), std::nullopt}, source_->checking());
  }

  Env& env_;
  Lookup& lookup_;
  Query query_;
  std::shared_ptr<const HttpSource> source_;
  Want want_;
  uint64_t began_ms_;
};

void HttpSource::start(Env& env, Lookup& lookup, const Query& query) const {
  const bool name = is_utf8(query.user) && !query.user.empty() && !query.user.starts_with('@');
  if (!name || !dialect_->can(query.want)) return answer_later(env, lookup, {Verdict::no_such_user, {}, {}});
  if (query.want == Want::verdict && checking_.enabled) {
    // Nobody has an empty password, and not everybody whom a program asks knows that.
    if (query.password.empty()) return refuse(env, lookup, "no password");
    if (dialect_->text_only && !is_utf8(query.password.reveal())) {
      return refuse(env, lookup, "a password that JSON has no place for");
    }
  }
  std::make_shared<HttpQuestion>(env, lookup, query, held(*this))->ask();
}

void HttpSource::refuse(Env& env, Lookup& lookup, const char* why) const {
  LookupResult result;
  result.verdict = Verdict::bad_credentials;
  result.detail = "directory " + name() + ": " + why;
  answer_later(env, lookup, std::move(result));
}

std::unique_ptr<Directory> HttpSource::make(Env& env) const { return make_shared_directory(env, *this); }

}  // namespace

std::string_view header_of(const HttpAnswer& answer, std::string_view name) {
  for (const auto& [each, value] : answer.headers) {
    if (each == name) return value;
  }
  return {};
}

uint64_t seconds_to_ms(std::string_view text) {
  uint32_t seconds = 0;
  auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  return error == std::errc() && stop == text.data() + text.size() ? uint64_t{seconds} * 1000 : 0;
}

namespace {

bool repeats_password(std::string_view text, const Query& query) {
  const Bytes password = query.password.reveal();
  return !password.empty() && text.find(password) != text.npos;
}

}  // namespace

std::string told(std::string_view text, const Query& query) {
  return repeats_password(text, query) ? "a text that repeats the password" : '"' + printable(text) + '"';
}

void take_field(const HttpTerms& terms, const Query& query, HttpOpinion& opinion, std::string_view name,
                std::string_view value) {
  const std::string_view ours = terms.fields.ours(name);
  auto set = set_field(opinion.entry, ours, value);
  if (set) return;
  opinion.verdict = Verdict::unusable;
  const std::string& why = set.error().message;
  opinion.detail = repeats_password(why, query) ? std::string(ours) + " repeats the password" : printable(why);
}

Result<SharedSource> load_http_directory(const config::Directory& from) {
  auto source = std::make_shared<HttpSource>(from);
  if (auto ready = source->prepare(); !ready) return fail("directory " + from.name + ": " + ready.error().message);
  return SharedSource(std::move(source));
}

}  // namespace postigo
