// APOP (RFC 1939 7): a command of POP3 and no mechanism of SASL, but it asks for the same as CRAM-MD5 does. Its
// "response" is the command's argument: a name, a blank, and the hash of the greeting's timestamp and the password.
//
// The timestamp is ours, and each connection has one of its own (T26).
#include <openssl/digest.h>

#include "parser/sasl/crypto.h"
#include "parser/sasl/md5_answer.h"
#include "parser/sasl/mechanisms.h"

namespace postigo::sasl {
namespace {

class Apop final : public Server {
 public:
  explicit Apop(const Setting& setting) : setting_(setting) {}

  Status step(const Bytes* response, std::string&, Credentials& credentials) override {
    return response == nullptr ? Status::malformed : answer_.take("APOP", *response, credentials);
  }

  Status supply(const StoredSecret& secret, std::string&, Credentials& credentials) override {
    return answer_.judge(secret, setting_.facts, credentials, [&](Bytes password) {
      Secret text;
      text.reserve(setting_.timestamp.size() + password.size());
      text.append(setting_.timestamp);
      text.append(password);
      return digest(EVP_md5(), text.reveal());
    });
  }

 private:
  const Setting setting_;
  Md5Answer answer_;
};

}  // namespace

std::unique_ptr<Server> make_apop(const Setting& setting) { return std::make_unique<Apop>(setting); }

}  // namespace postigo::sasl
