// SCRAM (RFC 5802, 7677) as a client: the backend never sees the password, and has to prove that it knows its keys
// before its yes counts. Not here: the grammar (scram_message.cc), the keys (kept_keys.cc).
#include <openssl/digest.h>

#include "parser/base/base64.h"
#include "parser/sasl/client.h"
#include "parser/sasl/credentials.h"
#include "parser/sasl/crypto.h"
#include "parser/sasl/kept_keys.h"
#include "parser/sasl/prepare.h"
#include "parser/sasl/scram_message.h"

namespace postigo::sasl {
namespace {

constexpr Bytes kBinding = "tls-exporter";

struct ClientFamily {
  const EVP_MD* (*hash)();
  bool binds;
};

std::string prepared(Bytes text) { return prepare(text).value_or(std::string(text)); }

class ScramClient final : public Client {
 public:
  ScramClient(const ClientFamily& family, const ClientSetting& setting) : family_(family), setting_(setting) {
    const BackLogin& login = setting.login;
    header_ = flag() + ",";
    if (!login.authzid.empty()) header_ += "a=" + encode_saslname(prepared(login.authzid));
    header_ += ",";
    if (setting.channel != nullptr) nonce_ = setting.channel->unique();
    bare_ = "n=" + encode_saslname(prepared(login.authcid)) + ",r=" + nonce_;
  }

  std::optional<Secret> initial() override { return Secret(header_ + bare_); }

  Result<Secret> respond(Bytes challenge) override {
    switch (state_) {
      case State::first:
        return on_first(challenge);
      case State::final:
        return on_final(challenge);
      case State::proven:
      case State::refused:
        break;
    }
    return fail("the backend asks for more than SCRAM has");
  }

  bool complete() const override { return state_ == State::proven || state_ == State::refused; }

  Result<bool> accepted() const override {
    if (state_ == State::proven) return true;
    return fail("the backend says yes without a proof that it knows the secret: it may be somebody else");
  }

 private:
  enum class State { first, final, proven, refused };

  // "y": we could bind, and believe that the backend cannot. It knows better if somebody has cut its list (RFC 5802 6).
  std::string flag() const {
    if (family_.binds) return "p=" + std::string(kBinding);
    const bool could = setting_.channel != nullptr && !setting_.channel->channel_binding(kBinding).empty();
    return could && !setting_.binding_listed ? "y" : "n";
  }

  Result<Secret> on_first(Bytes text) {
    ScramServerFirst message;
    if (nonce_.empty() || !parse(text, message)) return fail("the backend's first answer is not SCRAM's");
    const bool ours = message.nonce.starts_with(nonce_) && message.nonce.size() > nonce_.size();
    if (!ours) return fail("the backend's nonce does not begin with ours: it answers somebody else");
    std::optional<Secret> salt = base64_decode(message.salt);
    if (!salt || salt->empty()) return fail("the backend's first answer is not SCRAM's");
    if (message.iterations < setting_.iterations_min || message.iterations > setting_.iterations_max) {
      return fail("the backend asks for " + std::to_string(message.iterations) +
                  " iterations: " + std::to_string(setting_.iterations_min) + " to " +
                  std::to_string(setting_.iterations_max) + " are done");
    }
    return prove(text, message, salt->reveal());
  }

  Result<Secret> prove(Bytes text, const ScramServerFirst& message, Bytes salt) {
    const EVP_MD* hash = family_.hash();
    const ClientKeys keys = make_keys(salt, message.iterations);
    std::string bound = header_;
    if (family_.binds) bound += setting_.channel->channel_binding(kBinding);
    std::string without_proof = "c=" + base64_encode(bound) + ",r=" + std::string(message.nonce);
    const std::string said = bare_ + "," + std::string(text) + "," + without_proof;
    signature_ = hmac(hash, keys.server_key.reveal(), said);
    const Secret mask = hmac(hash, digest(hash, keys.client_key.reveal()).reveal(), said);
    std::string proof(keys.client_key.reveal());
    for (size_t i = 0; i < proof.size(); ++i) proof[i] = static_cast<char>(proof[i] ^ mask.reveal()[i]);
    state_ = State::final;
    return Secret(without_proof + ",p=" + base64_encode(proof));
  }

  ClientKeys make_keys(Bytes salt, unsigned iterations) const {
    std::string password = prepared(setting_.login.password.reveal());
    const bool keep = setting_.kept != nullptr && setting_.login.master;
    ClientKeys keys = keep ? setting_.kept->get(family_.hash(), password, salt, iterations)
                           : derive_client_keys(family_.hash(), password, salt, iterations);
    wipe(password.data(), password.size());
    return keys;
  }

  // An error of the backend's is followed by its no.
  Result<Secret> on_final(Bytes text) {
    if (text.starts_with("e=")) {
      state_ = State::refused;
      return Secret();
    }
    Bytes value = text.substr(0, text.find(','));
    std::optional<Secret> shown = value.starts_with("v=") ? base64_decode(value.substr(2)) : std::nullopt;
    if (!shown) return fail("the backend's last answer is not SCRAM's");
    if (!signature_.equals(shown->reveal())) {
      return fail("the backend's proof is wrong: it does not know the secret, and may be somebody else");
    }
    state_ = State::proven;
    return Secret();
  }

  const ClientFamily& family_;
  const ClientSetting setting_;
  State state_ = State::first;
  std::string header_, nonce_, bare_;
  Secret signature_;  // that the server has to show
};

constexpr ClientFamily kClientSha1{EVP_sha1, false}, kClientSha256{EVP_sha256, false};
constexpr ClientFamily kClientSha1Plus{EVP_sha1, true}, kClientSha256Plus{EVP_sha256, true};

}  // namespace

std::unique_ptr<Client> make_scram_sha_256_plus_client(const ClientSetting& setting) {
  return std::make_unique<ScramClient>(kClientSha256Plus, setting);
}
std::unique_ptr<Client> make_scram_sha_1_plus_client(const ClientSetting& setting) {
  return std::make_unique<ScramClient>(kClientSha1Plus, setting);
}
std::unique_ptr<Client> make_scram_sha_256_client(const ClientSetting& setting) {
  return std::make_unique<ScramClient>(kClientSha256, setting);
}
std::unique_ptr<Client> make_scram_sha_1_client(const ClientSetting& setting) {
  return std::make_unique<ScramClient>(kClientSha1, setting);
}

}  // namespace postigo::sasl
