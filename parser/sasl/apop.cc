// APOP (RFC 1939 7): a command of POP3 and no mechanism of SASL, but it asks for the same as CRAM-MD5 does. Its
// "response" is the command's argument: a name, a blank, and the hash of the greeting's timestamp and the password.
//
// The timestamp is ours, and each connection has one of its own (T26).
#include <openssl/digest.h>

#include "parser/base/ascii.h"
#include "parser/sasl/credentials.h"
#include "parser/sasl/crypto.h"
#include "parser/sasl/mechanisms.h"

namespace postigo::sasl {
namespace {

constexpr Bytes kName = "APOP";
constexpr size_t kDigest = 32;  // hexadecimal digits

class Apop final : public Server {
 public:
  explicit Apop(const Setting& setting) : setting_(setting) {}

  Status step(const Bytes* response, std::string&, Credentials& credentials) override {
    size_t blank = response == nullptr ? Bytes::npos : response->rfind(' ');
    if (blank == Bytes::npos || response->size() - blank - 1 != kDigest) return Status::malformed;
    digest_ = lower(response->substr(blank + 1));
    credentials = make_claim(kName, {}, response->substr(0, blank), Proof::rejected);
    return credentials.possible ? Status::need_secret : Status::done;
  }

  Status supply(const StoredSecret& secret, std::string&, Credentials& credentials) override {
    bool known = !secret.cleartext.empty();
    Bytes password = known ? secret.cleartext.reveal() : setting_.facts.decoy_key();
    Secret text;
    text.reserve(setting_.timestamp.size() + password.size());
    text.append(setting_.timestamp);
    text.append(password);
    bool right = Secret(hex(digest(EVP_md5(), text.reveal()).reveal())).equals(digest_);
    credentials.proof = right && known ? Proof::proven : Proof::rejected;
    return Status::done;
  }

 private:
  const Setting setting_;
  std::string digest_;
};

}  // namespace

std::unique_ptr<Server> make_apop(const Setting& setting) { return std::make_unique<Apop>(setting); }

}  // namespace postigo::sasl
