// Our own dialect: one JSON object asks, one answers (config/README.md, "A program that is asked over HTTP").
#include <nlohmann/json.hpp>
#include <utility>

#include "backends/directory/drivers/http.h"
#include "backends/directory/password.h"
#include "parser/base/ascii.h"
#include "parser/base/base64.h"

namespace postigo {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kWants[] = {"verdict", "placement", "account", "secret", "token"};

std::string_view word_of(Want want) { return kWants[static_cast<size_t>(want)]; }

void ask_json(const HttpTerms&, Want want, const Query& query, HttpRequest& request) {
  Json json = {{"want", word_of(want)},
               {"user", query.user},
               {"mechanism", query.mechanism},
               {"protocol", query.protocol},
               {"client_ip", query.client_ip}};
  if (want == Want::verdict || want == Want::token) {
    const Bytes password = query.password.reveal();
    if (is_utf8(password)) json["password"] = password;
    if (!is_utf8(password)) json["password_base64"] = base64_encode(password);
  }
  if (const Circumstances* how = query.circumstances.get()) {
    json["client_port"] = how->client_port;
    json["local_ip"] = how->local_ip;
    json["local_port"] = how->local_port;
    json["listener"] = how->listener;
    json["session"] = how->session_id;
    json["tls"] = how->tls;
    json["attempt"] = how->attempt;
  }
  request.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
  request.body = Secret(json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

// One value, or several with blanks between; nothing for what has no place in a field.
std::string text_of(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_number()) return value.dump();
  std::string all;
  if (value.is_array()) {
    for (const Json& each : value) {
      if (!each.is_structured() && !each.is_null()) all += (all.empty() ? "" : " ") + text_of(each);
    }
  }
  return all;
}

void take_fields(const HttpTerms& terms, const Query& query, const Json& json, HttpOpinion& opinion) {
  for (const auto& [name, value] : json.items()) {
    if (name == "verdict" || value.is_null() || value.is_object()) continue;
    take_field(terms, query, opinion, name, text_of(value));
    if (opinion.verdict == Verdict::unusable) return;
  }
  if (opinion.entry.name.empty()) opinion.entry.name = query.user;
}

HttpOpinion understand_json(const HttpTerms& terms, Want want, const Query& query, const HttpAnswer& answer) {
  HttpOpinion opinion;
  Json json = Json::parse(answer.body, nullptr, false);
  const auto said = json.is_object() ? json.find("verdict") : json.end();
  const std::string verdict =
      json.is_object() && said != json.end() && said->is_string() ? said->get<std::string>() : "";
  const bool good = answer.status / 100 == 2;
  if (verdict == "bad_credentials" && want != Want::placement) {
    opinion.verdict = Verdict::bad_credentials;
  } else if (verdict == "no_such_user") {
    opinion.verdict = Verdict::no_such_user;
  } else if (good && (verdict == "ok" || verdict == "disabled")) {
    opinion.verdict = Verdict::ok;
    take_fields(terms, query, json, opinion);
    if (verdict == "disabled") opinion.entry.disabled = true;
  } else if (verdict == "try_later") {
    opinion.detail = "it says so";
  } else {
    opinion.detail = "status " + std::to_string(answer.status) + ", and no JSON object with a verdict that answers";
  }
  if (json.is_object() && json.contains("wait") && json["wait"].is_number_unsigned()) {
    opinion.wait_ms = std::min<uint64_t>(json["wait"].get<uint64_t>(), 3600) * 1000;
  }
  return opinion;
}

bool can_json(Want want) { return want != Want::token; }  // whose a token is, says who issued it

}  // namespace

const HttpDialect kHttpJson{config::HttpDirectory::Dialect::json, ask_json, understand_json, can_json};

}  // namespace postigo
