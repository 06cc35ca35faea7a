// CRAM-MD5 (RFC 2195): the server speaks first, and the answer is a name and a keyed hash of what it has said.
#include <openssl/digest.h>

#include "parser/sasl/crypto.h"
#include "parser/sasl/md5_answer.h"
#include "parser/sasl/mechanisms.h"

namespace postigo::sasl {
namespace {

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
    return answer_.take("CRAM-MD5", *response, credentials);
  }

  Status supply(const StoredSecret& secret, std::string&, Credentials& credentials) override {
    return answer_.judge(secret, setting_.facts, credentials,
                         [&](Bytes password) { return hmac(EVP_md5(), password, said_); });
  }

 private:
  const Setting setting_;
  std::string said_;
  Md5Answer answer_;
};

}  // namespace

std::unique_ptr<Server> make_cram_md5(const Setting& setting) { return std::make_unique<CramMd5>(setting); }

}  // namespace postigo::sasl
