// Questions and answers. Not here: what they mean for an attempt (gate.cc).
#include "proxy/session/policy.h"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "proxy/base/events.h"

namespace postigo {
namespace {

using Json = nlohmann::json;

constexpr uint64_t kToldEveryMs = 60'000;

Json json_of(const Policy::Login& login) {
  Json all = {{"login", login.user}, {"remote", login.remote},         {"protocol", login.protocol},
              {"tls", login.tls},    {"session_id", login.session_id}, {"attrs", Json::object()}};
  if (!login.pwhash.empty()) all["pwhash"] = login.pwhash;
  return all;
}

// A name may be any octets.
std::string text_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace

Policy::Policy(Loop& loop, HttpClient& http, WorkerStats& stats, const config::Policy& settings)
    : loop_(loop), http_(http), stats_(stats), settings_(settings) {}

HttpRequest Policy::request(std::string_view command, const std::string& json) const {
  HttpRequest request;
  request.url = settings_.url + "?command=" + std::string(command);
  request.headers = {{"Content-Type", "application/json"}};
  request.body = Secret(json);
  if (!settings_.password.empty()) request.login = settings_.user;
  request.password = Secret(settings_.password.reveal());
  request.timeout_ms = settings_.timeout_ms;
  request.connections_max = settings_.connections_max;
  return request;
}

// As Dovecot does it: SHA-256 over nonce, user, an octet 0 and the password, of which the first bits as a number.
std::string Policy::hash(std::string_view user, std::string_view secret) const {
  if (!settings_.pwhash) return {};
  std::array<uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256_CTX context;
  SHA256_Init(&context);
  Bytes nonce = settings_.pwhash_nonce.reveal();
  SHA256_Update(&context, nonce.data(), nonce.size());
  SHA256_Update(&context, user.data(), user.size());
  SHA256_Update(&context, "", 1);
  SHA256_Update(&context, secret.data(), secret.size());
  SHA256_Final(digest.data(), &context);
  wipe(&context, sizeof(context));
  const size_t octets = (settings_.pwhash_bits + 7) / 8;
  uint32_t number = 0;
  for (size_t i = 0; i < octets; ++i) number = number << 8 | digest[i];
  number >>= octets * 8 - settings_.pwhash_bits;
  return fmt::format("{:0{}x}", number, octets * 2);
}

Policy::Answer Policy::understand(const HttpAnswer& told, std::string& why) {
  const Answer failed{PolicyAnswer::failed, 0};
  why = told.why;
  if (!why.empty()) return failed;
  if (told.status != 200) {
    why = fmt::format("status {}", told.status);
    return failed;
  }
  Json json = Json::parse(told.body, nullptr, false);
  if (!json.is_object() || !json.contains("status") || !json["status"].is_number_integer()) {
    why = "no JSON object with a whole number as status";
    return failed;
  }
  const auto status = json["status"].get<int64_t>();
  if (status < 0) return {PolicyAnswer::refused, 0};
  if (status == 0) return {};
  return {PolicyAnswer::delayed, std::min<uint64_t>(static_cast<uint64_t>(status), kDelayMaxMs / 1000) * 1000};
}

Policy::Answer Policy::decide(const HttpAnswer& told) {
  std::string why;
  Answer answer = understand(told, why);
  stats_.policy[static_cast<size_t>(answer.verdict)].inc();
  if (answer.verdict != PolicyAnswer::failed) return answer;
  if (told_ms_ == 0 || loop_.now_ms() >= told_ms_ + kToldEveryMs) {
    told_ms_ = loop_.now_ms();
    log::write(events::policy_failed, {{"detail", why}});
  }
  if (settings_.on_failure == config::Policy::OnFailure::open) answer.verdict = PolicyAnswer::allowed;
  return answer;
}

Ticket Policy::allow(const Login& login, std::function<void(Answer)> then) {
  return http_.fetch(request("allow", text_of(json_of(login))),
                     [this, then = std::move(then)](const HttpAnswer& told) { then(decide(told)); });
}

void Policy::report(const Login& login, std::string_view fail_type, bool policy_reject) {
  if (reports_.size() >= kReportsMax) return stats_.policy_reports_lost.inc();
  Json json = json_of(login);
  json["success"] = fail_type.empty();
  json["policy_reject"] = policy_reject;
  if (!fail_type.empty()) json["fail_type"] = fail_type;
  auto place = reports_.emplace(reports_.end());
  *place = http_.fetch(request("report", text_of(json)), [this, place](const HttpAnswer& told) {
    stats_.policy_reports.inc();
    if (told.status != 200) stats_.policy_reports_lost.inc();
    reports_.erase(place);
  });
}

}  // namespace postigo
