// CRAM-MD5 (RFC 2195): the server speaks first, and the answer is a name and a keyed hash of what it has said.
//
// A name without a secret is treated like any other to the end: the hash is made with a text that nobody has.
#include <openssl/digest.h>

#include "parser/base/ascii.h"
#include "parser/sasl/credentials.h"
#include "parser/sasl/crypto.h"
#include "parser/sasl/mechanisms.h"

namespace postigo::sasl {
namespace {

constexpr Bytes kName = "CRAM-MD5";
constexpr size_t kDigest = 32;  // hexadecimal digits

class CramMd5 final : public Server {
 public:
  explicit CramMd5(const Setting& setting) : setting_(setting) {}

  Status step(const Bytes* response, std::string& challenge, Credentials& credentials) override {
    if (said_.empty()) {
      if (response != nullptr) return Status::malformed;  // it cannot know the challenge yet
      said_ = message_id(setting_.facts, setting_.hostname);
      challenge = said_;
      return Status::challenge;
    }
    size_t blank = response->rfind(' ');
    if (blank == Bytes::npos || response->size() - blank - 1 != kDigest) return Status::malformed;
    digest_ = lower(response->substr(blank + 1));
    credentials = make_claim(kName, {}, response->substr(0, blank), Proof::rejected);
    return credentials.possible ? Status::need_secret : Status::done;
  }

  Status supply(const StoredSecret& secret, std::string&, Credentials& credentials) override {
    bool known = !secret.cleartext.empty();
    Secret made = hmac(EVP_md5(), known ? secret.cleartext.reveal() : setting_.facts.decoy_key(), said_);
    bool right = Secret(hex(made.reveal())).equals(digest_);
    credentials.proof = right && known ? Proof::proven : Proof::rejected;
    return Status::done;
  }

 private:
  const Setting setting_;
  std::string said_, digest_;
};

}  // namespace

std::unique_ptr<Server> make_cram_md5(const Setting& setting) { return std::make_unique<CramMd5>(setting); }

}  // namespace postigo::sasl
