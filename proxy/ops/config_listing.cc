// Not here: which keys there are (config/schema.cc), what a difference means (config/diff.cc).
#include "proxy/ops/config_listing.h"

#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "parser/base/ascii.h"

namespace postigo {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kNonce = 32;  // hexadecimal digits

std::string hex_of(const uint8_t* octets, size_t size) {
  std::string text;
  for (size_t i = 0; i < size; ++i) text += hex(octets[i], 2);
  return text;
}

// Under the name of its key, so that equal secrets of different keys do not look equal.
std::string hash_of(const std::string& nonce, const config::Value& value) {
  if (value.secret.empty()) return {};
  std::string text = value.key + '\n';
  text += value.secret;
  uint8_t digest[SHA256_DIGEST_LENGTH];
  unsigned size = 0;
  HMAC(EVP_sha256(), nonce.data(), nonce.size(), reinterpret_cast<const uint8_t*>(text.data()), text.size(), digest,
       &size);
  return hex_of(digest, size);
}

std::string text_in(const Json& row, const char* name) {
  auto found = row.find(name);
  return found != row.end() && found->is_string() ? found->get<std::string>() : "";
}

bool is_listing(const Json& listing) {
  if (!listing.is_object() || text_in(listing, "nonce").size() != kNonce) return false;
  auto values = listing.find("values");
  if (values == listing.end() || !values->is_array()) return false;
  return std::all_of(values->begin(), values->end(),
                     [](const Json& row) { return row.is_object() && !text_in(row, "key").empty(); });
}

// Values with hashes in the place of secrets; `hashes` holds them.
std::vector<config::Value> hashed(std::vector<config::Value> values, const std::string& nonce,
                                  std::vector<std::string>& hashes) {
  hashes.reserve(values.size());
  for (config::Value& value : values) value.secret = hashes.emplace_back(hash_of(nonce, value));
  return values;
}

}  // namespace

Json listing_of(const config::Config& config) {
  uint8_t random[kNonce / 2];
  RAND_bytes(random, sizeof(random));
  std::string nonce = hex_of(random, sizeof(random));
  config::Config copy = config;
  Json rows = Json::array();
  for (const config::Value& value : config::flatten(copy)) {
    Json row = {{"key", value.key}, {"value", value.shown}};
    if (std::string hash = hash_of(nonce, value); !hash.empty()) row["hash"] = hash;
    rows.push_back(std::move(row));
  }
  return {{"nonce", nonce}, {"values", rows}};
}

Result<std::vector<config::Change>> compare(const config::Config& running, const Json& listing) {
  if (!is_listing(listing)) return fail("the configuration is no listing of keys and values");
  config::Config copy = running;
  std::vector<std::string> own, given;
  auto before = hashed(config::flatten(copy), text_in(listing, "nonce"), own);
  const Json& rows = listing.at("values");
  std::vector<config::Value> after;
  given.reserve(rows.size());
  for (const Json& row : rows) {
    after.push_back({text_in(row, "key"), text_in(row, "value"), given.emplace_back(text_in(row, "hash"))});
  }
  return config::diff(before, after);
}

std::vector<std::string> names_in(const Json& listing, std::string_view section) {
  std::vector<std::string> names;
  std::string begin = std::string(section) + '[';
  for (const Json& row : listing.at("values")) {
    std::string key = text_in(row, "key");
    if (key.starts_with(begin) && key.ends_with("].name")) names.push_back(text_in(row, "value"));
  }
  return names;
}

}  // namespace postigo
