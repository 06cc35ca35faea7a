// SCRAM (RFC 5802, 7677), with and without channel binding: the server's side. Neither the password nor anything that
// would open the door elsewhere passes the wire, and the client learns that we know the user's keys.
//
// Not here: the grammar (scram_message.cc), keys from passwords (a directory's), types of channel binding (Facts).
#include <openssl/digest.h>
#include <openssl/mem.h>

#include <optional>

#include "parser/base/base64.h"
#include "parser/sasl/credentials.h"
#include "parser/sasl/crypto.h"
#include "parser/sasl/mechanisms.h"
#include "parser/sasl/prepare.h"
#include "parser/sasl/scram_message.h"

namespace postigo::sasl {
namespace {

constexpr unsigned kIterationsMax = 10'000'000;  // a damaged entry must not keep a client busy for minutes
constexpr size_t kFirstMax = 4096;               // it is kept until the last one comes

struct Family {
  Bytes name;
  bool binds;
  const EVP_MD* (*hash)();
  std::optional<ScramKeys> StoredSecret::*keys;
};

class Scram final : public Server {
 public:
  Scram(const Family& family, const Setting& setting) : family_(family), setting_(setting) {}

  Status step(const Bytes* response, std::string& challenge, Credentials& credentials) override {
    switch (state_) {
      case State::first:
        if (response != nullptr) return on_first(*response, credentials);
        challenge.clear();  // the client speaks first
        return Status::challenge;
      case State::last:
        return on_final(*response, challenge, credentials);
      case State::proven:
        if (!response->empty()) return Status::malformed;
        credentials.proof = Proof::proven;
        return Status::done;
    }
    return Status::malformed;
  }

  Status supply(const StoredSecret& secret, std::string& challenge, Credentials& credentials) override {
    const std::optional<ScramKeys>& keys = secret.*family_.keys;
    known_ = keys && usable(*keys);
    keys_ = known_ ? *keys : decoy(credentials.user, secret.decoy);
    nonce_ += setting_.facts.unique();
    challenge = "r=" + nonce_ + ",s=" + base64_encode(keys_.salt) + ",i=" + std::to_string(keys_.iterations);
    said_ += "," + challenge + ",";
    state_ = State::last;
    return Status::challenge;
  }

 private:
  enum class State { first, last, proven };

  Status on_first(Bytes text, Credentials& credentials) {
    ScramFirst message;
    if (text.size() > kFirstMax) return Status::malformed;
    if (!parse(text, message) || (message.flag == 'p') != family_.binds) return Status::malformed;
    std::optional<std::string> user = prepare(message.user), authzid = prepare(message.authzid);
    bool bound = bind(message);
    if (!user || !authzid || !bound) {
      credentials = impossible_credentials(family_.name, message.user);
      return Status::done;
    }
    credentials = make_claim(family_.name, *authzid, *user, Proof::rejected);
    nonce_ = message.nonce;
    said_ = message.bare;
    return credentials.possible ? Status::need_secret : Status::done;
  }

  // What the client must say again in its final message: its header, and what binds it to the connection. False: it
  // binds to what this connection has not; or it believes that we could not bind, though we have said so: somebody
  // between us has taken it out of our list (RFC 5802 6; T25, A9).
  bool bind(const ScramFirst& message) {
    binding_ = message.header;
    if (message.flag == 'y') return !setting_.binding_offered;
    if (message.flag == 'n') return true;
    std::string data = setting_.facts.channel_binding(message.binding);
    binding_ += data;
    return !data.empty();
  }

  Status on_final(Bytes text, std::string& challenge, Credentials& credentials) {
    ScramFinal message;
    if (!parse(text, message)) return Status::malformed;
    std::optional<Secret> binding = base64_decode(message.binding), proof = base64_decode(message.proof);
    if (!binding || !proof) return Status::malformed;
    said_ += message.without_proof;
    bool right = proves(proof->reveal());  // made in any case: it takes the same time
    bool bound = binding->equals(binding_) && message.nonce == nonce_;
    if (!right || !bound || !known_) {
      credentials.proof = Proof::rejected;
      return Status::done;
    }
    challenge = "v=" + base64_encode(hmac(family_.hash(), keys_.server_key.reveal(), said_).reveal());
    state_ = State::proven;
    return Status::challenge;
  }

  // ClientProof is ClientKey XOR HMAC(StoredKey, AuthMessage), and StoredKey is H(ClientKey).
  bool proves(Bytes proof) const {
    Secret signature = hmac(family_.hash(), keys_.stored_key.reveal(), said_);
    if (proof.size() != signature.size()) return false;
    Secret key;
    key.reserve(proof.size());
    for (size_t i = 0; i < proof.size(); ++i) {
      char c = static_cast<char>(proof[i] ^ signature.reveal()[i]);
      key.append(Bytes(&c, 1));
    }
    return digest(family_.hash(), key.reveal()).equals(keys_.stored_key.reveal());
  }

  bool usable(const ScramKeys& keys) const {
    size_t size = EVP_MD_size(family_.hash());
    return keys.iterations > 0 && keys.iterations <= kIterationsMax && !keys.salt.empty() &&
           keys.stored_key.size() == size && keys.server_key.size() == size;
  }

  // For a name without keys: always the same ones, and nobody can tell them from others (A21).
  ScramKeys decoy(Bytes user, const ScramShape& shape) const {
    Bytes key = setting_.facts.decoy_key();
    Secret made = hmac(family_.hash(), key, user);
    ScramKeys keys;
    keys.iterations = shape.iterations;
    keys.salt = made.reveal();
    while (keys.salt.size() < shape.salt_size) keys.salt += hmac(family_.hash(), key, keys.salt).reveal();
    keys.salt.resize(shape.salt_size);
    keys.stored_key = hmac(family_.hash(), key, made.reveal());
    keys.server_key = keys.stored_key;
    return keys;
  }

  const Family& family_;
  const Setting setting_;
  State state_ = State::first;
  std::string nonce_;    // the client's and, behind it, ours
  std::string said_;     // AuthMessage as far as it goes
  std::string binding_;  // what "c=" must be
  ScramKeys keys_;
  bool known_ = false;
};

constexpr Family kSha1{"SCRAM-SHA-1", false, EVP_sha1, &StoredSecret::sha1};
constexpr Family kSha256{"SCRAM-SHA-256", false, EVP_sha256, &StoredSecret::sha256};
constexpr Family kSha1Plus{"SCRAM-SHA-1-PLUS", true, EVP_sha1, &StoredSecret::sha1};
constexpr Family kSha256Plus{"SCRAM-SHA-256-PLUS", true, EVP_sha256, &StoredSecret::sha256};

}  // namespace

std::unique_ptr<Server> make_scram_sha_1(const Setting& setting) { return std::make_unique<Scram>(kSha1, setting); }
std::unique_ptr<Server> make_scram_sha_256(const Setting& setting) { return std::make_unique<Scram>(kSha256, setting); }
std::unique_ptr<Server> make_scram_sha_1_plus(const Setting& setting) {
  return std::make_unique<Scram>(kSha1Plus, setting);
}
std::unique_ptr<Server> make_scram_sha_256_plus(const Setting& setting) {
  return std::make_unique<Scram>(kSha256Plus, setting);
}

}  // namespace postigo::sasl
