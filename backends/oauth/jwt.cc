// Header, claims, signature: in which order they are looked at, and what is refused. Not here: keys (jwk.cc), and who
// is asked for them (directory/drivers/oauth.cc).
#include "backends/oauth/jwt.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "backends/oauth/base64url.h"
#include "parser/base/ascii.h"

namespace postigo::oauth {
namespace {

using Json = nlohmann::json;
using What = Opinion::What;

constexpr int kDepthMax = 8;

Opinion bad(std::string why) { return {What::bad, {}, 0, std::move(why)}; }

// One object, not deeper than anybody needs; nothing for anything else, and for a name that stands twice: two readers
// could take two of them (RFC 7515 4).
std::optional<Json> object(std::string_view text) {
  bool twice = false;
  std::vector<std::vector<std::string>> names;
  auto look = [&](int depth, Json::parse_event_t event, Json& parsed) {
    using Event = Json::parse_event_t;
    if (depth > kDepthMax) twice = true;
    if (event == Event::object_start) names.emplace_back();
    if (event == Event::object_end) names.pop_back();
    if (event == Event::key && !names.empty()) {
      auto& seen = names.back();
      std::string name = parsed.get<std::string>();
      twice = twice || std::find(seen.begin(), seen.end(), name) != seen.end();
      seen.push_back(std::move(name));
    }
    return !twice;
  };
  Json json = Json::parse(text, look, false);
  if (twice || json.is_discarded() || !json.is_object()) return std::nullopt;
  return json;
}

std::string text_of(const Json& json, const std::string& name) {
  auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// Seconds (RFC 7519 2 allows fractions); nothing if it is not there, or no number.
std::optional<int64_t> time_of(const Json& json, const char* name) {
  constexpr double kMax = 1e15;
  auto found = json.find(name);
  if (found == json.end() || !found->is_number()) return std::nullopt;
  const double seconds = found->get<double>();
  if (!(seconds > -kMax && seconds < kMax)) return std::nullopt;
  return static_cast<int64_t>(seconds);
}

// A string, or an array of them; with `spaced` also several in one string (RFC 6749 3.3).
std::vector<std::string> texts_of(const Json& json, const char* name, bool spaced) {
  std::vector<std::string> texts;
  auto add = [&](const Json& value) {
    if (!value.is_string()) return;
    std::string text = value.get<std::string>();
    for (size_t from = 0; from <= text.size();) {
      const size_t end = spaced ? std::min(text.find(' ', from), text.size()) : text.size();
      if (end > from) texts.push_back(text.substr(from, end - from));
      from = end + 1;
    }
  };
  auto found = json.find(name);
  if (found == json.end()) return texts;
  if (found->is_array()) {
    for (const Json& each : *found) add(each);
  } else {
    add(*found);
  }
  return texts;
}

bool has(const std::vector<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

// For us, and now? Empty: yes.
std::string fault(const Json& claims, const Terms& terms, int64_t now_s) {
  if (!terms.audiences.empty()) {
    const auto audience = texts_of(claims, "aud", false);
    if (std::none_of(audience.begin(), audience.end(), [&](const auto& each) { return has(terms.audiences, each); })) {
      return "it is for somebody else (aud)";
    }
  }
  auto expires = time_of(claims, "exp"), begins = time_of(claims, "nbf"), issued = time_of(claims, "iat");
  if (!expires) return "it never ends (exp)";
  if (*expires + terms.leeway_s <= now_s) return "its time is over (exp)";
  if (begins && *begins - terms.leeway_s > now_s) return "its time has not come (nbf)";
  if (issued && *issued - terms.leeway_s > now_s) return "it was issued in the future (iat)";
  return {};
}

Opinion judge_claims(const Json& claims, const Terms& terms, int64_t now_s) {
  std::string why = fault(claims, terms, now_s);
  if (!why.empty()) return bad(std::move(why));
  auto scopes = texts_of(claims, "scope", true);
  for (std::string& each : texts_of(claims, "scp", true)) scopes.push_back(std::move(each));  // Microsoft's
  for (const std::string& needed : terms.scopes) {
    if (!has(scopes, needed)) return {What::no_scope, {}, 0, "it lacks a scope"};
  }
  Opinion good{What::good, text_of(claims, terms.username), *time_of(claims, "exp"), {}};
  if (good.user.empty()) return bad("it does not name the user (" + terms.username + ")");
  if (!fits_in_line(good.user)) return bad("its name of the user is none");
  // Who may write any address into a profile could be anybody (OpenID Connect Core 5.1).
  auto verified = claims.find("email_verified");
  if (terms.username == "email" && verified != claims.end() && *verified == false) {
    return bad("its address was never verified (email_verified)");
  }
  return good;
}

}  // namespace

Opinion judge_token(Bytes token, const JwkSet& keys, const Terms& terms, int64_t now_s) {
  if (token.size() > kTokenMax) return bad("it is too long");
  const size_t first = token.find('.'), second = first == Bytes::npos ? first : token.find('.', first + 1);
  if (second == Bytes::npos || token.find('.', second + 1) != Bytes::npos) return bad("it is no JWT");
  auto head = base64url_decode(token.substr(0, first));
  auto body = base64url_decode(token.substr(first + 1, second - first - 1));
  auto signature = base64url_decode(token.substr(second + 1));
  if (!head || !body || !signature || signature->empty()) return bad("it is no JWT");
  auto header = object(*head);
  if (!header) return bad("its header is no JSON object");
  // "crit": what we must understand, and do not (RFC 7515 4.1.11). "cty": another token in it.
  if (header->contains("crit") || header->contains("b64") || header->contains("cty"))
    return bad("its header asks for more");
  const std::string algorithm = text_of(*header, "alg"), id = text_of(*header, "kid");
  if (!has(terms.algorithms, upper(algorithm))) return bad("it is signed in a way that is not allowed (alg)");
  if (!keys.knows(id, algorithm)) return {What::unknown_key, {}, 0, "it is signed with a key that nobody knows (kid)"};
  if (!keys.verify(id, algorithm, token.substr(0, second), *signature)) return bad("its signature is wrong");
  auto claims = object(*body);
  if (!claims) return bad("it is no JSON object");
  if (text_of(*claims, "iss") != terms.issuer) return bad("somebody else has issued it (iss)");
  return judge_claims(*claims, terms, now_s);
}

Opinion judge_introspection(std::string_view json, const Terms& terms, int64_t now_s) {
  auto said = object(json);
  if (!said) return {What::unknown_key, {}, 0, "the answer is no JSON object"};
  auto active = said->find("active");
  if (active == said->end() || !active->is_boolean()) return {What::unknown_key, {}, 0, "the answer has no \"active\""};
  if (!active->get<bool>()) return bad("it is not active");
  const std::string issuer = text_of(*said, "iss");
  if (!issuer.empty() && issuer != terms.issuer) return bad("somebody else has issued it (iss)");
  constexpr int64_t kHour = 3600;
  if (!said->contains("exp")) (*said)["exp"] = now_s + kHour;  // it may be left out there: they have just looked
  return judge_claims(*said, terms, now_s);
}

}  // namespace postigo::oauth
