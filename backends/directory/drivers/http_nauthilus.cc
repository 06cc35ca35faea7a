// Nauthilus' /api/v1/auth/json: JSON asks; headers and the attributes of a JSON object answer. Without a password it is
// asked with mode=no-auth. It does not tell whether a name exists.
#include <nlohmann/json.hpp>
#include <utility>

#include "backends/directory/drivers/http.h"
#include "parser/base/ascii.h"

namespace postigo {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kPrefix = "x-nauthilus-";

void ask_nauthilus(const HttpTerms& terms, Want want, const Query& query, HttpRequest& request) {
  Json json = {{"username", query.user},
               {"client_ip", query.client_ip},
               {"service", query.protocol},
               {"method", lower(query.mechanism)}};
  if (want == Want::verdict) json["password"] = query.password.reveal();
  if (want != Want::verdict)
    request.url += (terms.url.find('?') == std::string::npos ? "?" : "&") + std::string("mode=no-auth");
  if (const Circumstances* how = query.circumstances.get()) {
    json["client_port"] = std::to_string(how->client_port);
    json["local_ip"] = how->local_ip;
    json["local_port"] = std::to_string(how->local_port);
    json["auth_login_attempt"] = how->attempt;
    if (how->tls) json["ssl"] = "on";
    if (!how->tls_protocol.empty()) json["ssl_protocol"] = how->tls_protocol;
    if (!how->tls_cipher.empty()) json["ssl_cipher"] = how->tls_cipher;
  }
  request.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
  request.body = Secret(json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

// The first value of each attribute, and what it says in headers of its own.
void take_fields(const HttpTerms& terms, const Query& query, const HttpAnswer& answer, const Json& json,
                 HttpOpinion& opinion) {
  for (const auto& [name, value] : answer.headers) {
    if (name.starts_with(kPrefix)) take_field(terms, query, opinion, name.substr(kPrefix.size()), value);
  }
  const auto attributes = json.find("attributes");
  if (attributes == json.end() || !attributes->is_object()) return;
  for (const auto& [name, values] : attributes->items()) {
    const Json& first = values.is_array() && !values.empty() ? values.front() : values;
    if (first.is_string()) take_field(terms, query, opinion, name, first.get<std::string>());
  }
}

HttpOpinion accepted(const HttpTerms& terms, const Query& query, const HttpAnswer& answer) {
  HttpOpinion opinion;
  Json json = Json::parse(answer.body, nullptr, false);
  if (!json.is_object()) {
    opinion.detail = "an answer that is no JSON object";
    return opinion;
  }
  opinion.verdict = Verdict::ok;
  take_fields(terms, query, answer, json, opinion);
  // What it calls him is what his mailbox is called.
  const std::string account(header_of(answer, "auth-user"));
  if (!account.empty() && account != query.user && opinion.entry.backend_user.empty()) {
    opinion.entry.backend_user = account;
  }
  opinion.entry.name = query.user;
  return opinion;
}

HttpOpinion understand_nauthilus(const HttpTerms& terms, Want want, const Query& query, const HttpAnswer& answer) {
  const std::string_view status = header_of(answer, "auth-status");
  if (answer.status == 200 && equal_ignoring_case(status, "OK")) return accepted(terms, query, answer);
  HttpOpinion opinion;
  opinion.wait_ms = seconds_to_ms(header_of(answer, "auth-wait"));
  // A proxy before it, or our own login there, may be refused as well: only its own word counts.
  const bool its_word = !status.empty() && !equal_ignoring_case(status, "OK");
  if (its_word && (answer.status == 401 || answer.status == 403)) {
    opinion.verdict = want == Want::verdict ? Verdict::bad_credentials : Verdict::no_such_user;
    opinion.detail = "it says " + told(status, query);
  } else {
    opinion.detail = "status " + std::to_string(answer.status) + (status.empty() ? " without Auth-Status" : "");
  }
  return opinion;
}

bool can_nauthilus(Want want) { return want != Want::token; }

}  // namespace

const HttpDialect kHttpNauthilus{config::HttpDirectory::Dialect::nauthilus, ask_nauthilus, understand_nauthilus,
                                 can_nauthilus, true};

}  // namespace postigo
