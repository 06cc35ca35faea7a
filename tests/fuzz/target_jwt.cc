// Tokens (A7, algorithm confusion, "none"): the first line of the input says what is done with the others, which are a
// header and claims. Oracles, with an attacker's goal: a token counts only if the issuer has signed exactly these
// octets; and what he has signed counts only for his audience, in its time, and for the user whom it names.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "backends/oauth/base64url.h"
#include "backends/oauth/jwt.h"
#include "parser/base/ascii.h"
#include "tests/unit/backends/tokens.h"

namespace {

using namespace postigo;
using oauth::Opinion;
using Json = nlohmann::json;

constexpr int64_t kNow = 1'000'000;
constexpr const char* kAlgorithms[] = {"RS256", "ES256", "EdDSA", "PS256", "RS512"};
constexpr const char* kIds[] = {"r", "e", "d", "r", "r"};

void require(bool holds) {
  if (!holds) abort();
}

struct Issuer {
  Signer signer, stranger;
  oauth::JwkSet keys = *oauth::JwkSet::parse(signer.keys().dump());
  oauth::Terms terms{
      "https://issuer.example", {"mail"}, {"imap"}, {"RS256", "PS256", "ES256", "EDDSA", "RS512"}, "email"};
  std::vector<std::string> good;
  std::set<std::string> signed_texts;

  Issuer() {
    const Json claims = {{"iss", terms.issuer}, {"aud", "mail"},         {"scope", "imap smtp"},
                         {"exp", kNow + 60},    {"email", "joe@a.test"}, {"sub", "1"}};
    for (size_t i = 0; i < std::size(kAlgorithms); ++i) {
      good.push_back(signer.token(kAlgorithms[i], kIds[i], claims));
      signed_texts.insert(good.back().substr(0, good.back().rfind('.')));
      require(oauth::judge_token(good.back(), keys, terms, kNow).what == Opinion::What::good);
    }
  }
};

const Issuer& issuer() {
  static const Issuer made;
  return made;
}

bool has(const Json& claims, const char* name, const std::string& value) {
  auto found = claims.find(name);
  if (found == claims.end()) return false;
  if (found->is_array()) return std::find(found->begin(), found->end(), Json(value)) != found->end();
  return found->is_string() && (" " + found->get<std::string>() + " ").find(" " + value + " ") != std::string::npos;
}

// Nobody but the issuer has made it.
void forge(const std::string& token) {
  const Opinion opinion = oauth::judge_token(token, issuer().keys, issuer().terms, kNow);
  if (opinion.what != Opinion::What::good && opinion.what != Opinion::What::no_scope) return;
  require(issuer().signed_texts.contains(token.substr(0, token.rfind('.'))));
  require(opinion.user == "joe@a.test");
}

// He has signed it, whatever it says.
void judge(const std::string& claims, const Opinion& opinion) {
  require(opinion.why.size() < 200);
  if (opinion.what != Opinion::What::good) return;
  const Json said = Json::parse(claims);
  require(said.at("email") == opinion.user && !opinion.user.empty() && fits_in_line(opinion.user));
  require(has(said, "aud", "mail") && (has(said, "scope", "imap") || has(said, "scp", "imap")));
  require(said.value("iss", Json()) == issuer().terms.issuer);
  require(said.at("exp").get<double>() + 60 > static_cast<double>(kNow));
  require(!said.contains("nbf") || !said["nbf"].is_number() ||
          said["nbf"].get<double>() - 60 < static_cast<double>(kNow) + 1);
}

std::string line(std::string& rest) {
  const size_t end = std::min(rest.find('\n'), rest.size());
  std::string text = rest.substr(0, end);
  rest.erase(0, end + 1);
  return text;
}

void play(size_t mode, const std::string& header, const std::string& claims) {
  const Issuer& all = issuer();
  const size_t which = mode / 16 % all.good.size();
  const std::string& good = all.good[which];
  const std::string signature = good.substr(good.rfind('.') + 1);
  const std::string text = Signer::url64(header) + '.' + Signer::url64(claims);
  switch (mode % 8) {
    case 0:  // somebody else's signature
      return forge(text + '.' + signature);
    case 1:
      return forge(text + '.');
    case 2:  // the public key as a shared secret
      return forge(all.signer.raw(header, claims, "HS256"));
    case 3:
      return forge(all.stranger.raw(header, claims, "EdDSA"));
    case 4:  // changed on the way: octets at the end of the first line are a place and a value
      return forge(header + good.substr(std::min(good.size(), claims.size())));
    case 5:
      return forge(good + header);
    default:
      const std::string token = all.signer.raw(R"({"alg":"EdDSA"})", claims, "EdDSA");
      return judge(claims, oauth::judge_token(token, all.keys, all.terms, kNow));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string rest(reinterpret_cast<const char*>(data), size);
  if (rest.empty()) return 0;
  const auto mode = static_cast<unsigned char>(rest[0]);
  rest.erase(0, 1);
  const std::string whole = rest;
  forge(whole);
  std::string header = line(rest);
  play(mode, header, rest);
  (void)oauth::judge_introspection(whole, issuer().terms, kNow);
  return 0;
}
