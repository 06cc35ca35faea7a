// What a program that is asked over HTTP answers, in three dialects. The first octet of the input says which one, what
// was asked and the status; lines up to an empty one are headers; the rest is the body. Oracles: only a dialect's own
// word lets somebody in, and only its own "no" is one; nothing that is told repeats the password (A33); and where
// somebody lives is one place, in one line.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "backends/directory/drivers/http.h"
#include "parser/base/ascii.h"

namespace {

using namespace postigo;
using Json = nlohmann::json;

constexpr std::string_view kPassword = "swordfish-Pa55";
constexpr long kStatuses[] = {200, 201, 204, 301, 400, 401, 403, 404};
constexpr Want kWants[] = {Want::verdict, Want::placement, Want::account, Want::secret};

void require(bool holds) {
  if (!holds) abort();
}

HttpAnswer answer_of(std::string text, long status) {
  HttpAnswer answer{.status = status};
  while (!text.empty() && answer.headers.size() < HttpAnswer::kHeadersMax) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string line = text.substr(0, end);
    text.erase(0, end + 1);
    if (line.empty()) break;
    const size_t colon = line.find(':');
    if (colon == line.npos || line.find('\0') != line.npos || line.find('\r') != line.npos) continue;  // libcurl's work
    answer.headers.emplace_back(lower(line.substr(0, colon)), line.substr(colon + 1));
  }
  answer.body = std::move(text);
  return answer;
}

std::string word(const Json& json) {
  if (!json.is_object() || !json.contains("verdict") || !json["verdict"].is_string()) return {};
  return json["verdict"].get<std::string>();
}

// What must have been said for this verdict.
bool said(const HttpDialect& dialect, Want want, const HttpAnswer& answer, Verdict verdict) {
  const std::string_view status = header_of(answer, "auth-status");
  const Json json = Json::parse(answer.body, nullptr, false);
  const std::string told = word(json);
  switch (dialect.dialect) {
    case config::HttpDirectory::Dialect::nginx:
      if (verdict == Verdict::ok) return status == "OK";
      return verdict == Verdict::bad_credentials && !status.empty() && status != "OK" && want != Want::placement &&
             !header_of(answer, "auth-error-code").starts_with('4');
    case config::HttpDirectory::Dialect::json:
      if (verdict == Verdict::ok) return answer.status / 100 == 2 && (told == "ok" || told == "disabled");
      return verdict == Verdict::bad_credentials ? told == "bad_credentials" && want != Want::placement
                                                 : verdict == Verdict::no_such_user && told == "no_such_user";
    case config::HttpDirectory::Dialect::nauthilus:
      if (verdict == Verdict::ok) return answer.status == 200 && equal_ignoring_case(status, "OK") && json.is_object();
      return (answer.status == 401 || answer.status == 403) && !status.empty() && !equal_ignoring_case(status, "OK") &&
             verdict == (want == Want::verdict ? Verdict::bad_credentials : Verdict::no_such_user);
  }
  return false;
}

void check(const HttpDialect& dialect, const HttpOpinion& opinion, Want want, const HttpAnswer& answer) {
  if (opinion.verdict != Verdict::try_later && opinion.verdict != Verdict::unusable) {
    require(said(dialect, want, answer, opinion.verdict));
  }
  require(opinion.detail.find(kPassword) == std::string::npos && opinion.detail.size() < 1000);
  require(!has_ctl(opinion.detail));
  if (opinion.verdict != Verdict::ok) return;
  require(!opinion.entry.name.empty() && fits_in_line(opinion.entry.backend_user));
  require(fits_in_line(opinion.entry.backend_password.reveal()));
  // Nothing that a body of words says is a place of its own (A3).
  if (word(Json::parse(answer.body, nullptr, false)) == "disabled" &&
      dialect.dialect == config::HttpDirectory::Dialect::json) {
    require(opinion.entry.disabled);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const HttpDialect* const dialects[] = {&kHttpNginx, &kHttpJson, &kHttpNauthilus};
  const HttpDialect& dialect = *dialects[data[0] % 3];
  const long status = kStatuses[data[0] / 4 % std::size(kStatuses)];
  const Want want = kWants[data[1] % std::size(kWants)];
  static const HttpTerms terms{"users", "http://a.test/", *FieldNames::parse({"host=backend", "nets=networks"})};
  Query query;
  query.user = "joe@a.test";
  query.password = Secret(kPassword);
  query.want = want;
  const HttpAnswer answer = answer_of(std::string(reinterpret_cast<const char*>(data) + 2, size - 2), status);
  check(dialect, dialect.understand(terms, want, query, answer), want, answer);
  return 0;
}
