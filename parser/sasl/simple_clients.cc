// Mechanisms that are a message or two, as a client: PLAIN, LOGIN, CRAM-MD5, EXTERNAL. What they say is what their
// servers read (plain.cc, login.cc, cram_md5.cc, external.cc).
#include <openssl/digest.h>

#include "parser/sasl/client.h"
#include "parser/sasl/crypto.h"

namespace postigo::sasl {
namespace {

constexpr Bytes kNul{"\0", 1};
constexpr const char* kTooMuch = "the backend asks for more than the mechanism has";

// All is said at once.
class OneMessage final : public Client {
 public:
  explicit OneMessage(Secret message) : message_(std::move(message)) {}
  std::optional<Secret> initial() override { return std::move(message_); }
  Result<Secret> respond(Bytes) override { return fail(kTooMuch); }
  bool complete() const override { return true; }

 private:
  Secret message_;
};

// Two questions, whose texts nobody has ever agreed on.
class LoginClient final : public Client {
 public:
  explicit LoginClient(const BackLogin& login) : login_(login) {}
  std::optional<Secret> initial() override { return std::nullopt; }
  Result<Secret> respond(Bytes) override {
    switch (said_++) {
      case 0:
        return Secret(login_.authcid);
      case 1:
        return login_.password;
    }
    return fail(kTooMuch);
  }
  bool complete() const override { return said_ > 1; }

 private:
  const BackLogin& login_;
  int said_ = 0;
};

// RFC 2195.
class CramMd5Client final : public Client {
 public:
  explicit CramMd5Client(const BackLogin& login) : login_(login) {}
  std::optional<Secret> initial() override { return std::nullopt; }
  Result<Secret> respond(Bytes challenge) override {
    if (complete_) return fail(kTooMuch);
    complete_ = true;
    const Secret made = hmac(EVP_md5(), login_.password.reveal(), challenge);
    return Secret(login_.authcid + " " + hex(made.reveal()));
  }
  bool complete() const override { return complete_; }

 private:
  const BackLogin& login_;
  bool complete_ = false;
};

}  // namespace

Secret plain_message(Bytes authzid, Bytes authcid, Bytes password) {
  Secret message;
  message.reserve(authzid.size() + authcid.size() + password.size() + 2);
  message.append(authzid);
  message.append(kNul);
  message.append(authcid);
  message.append(kNul);
  message.append(password);
  return message;
}

std::unique_ptr<Client> make_plain_client(const ClientSetting& setting) {
  const BackLogin& login = setting.login;
  return std::make_unique<OneMessage>(plain_message(login.authzid, login.authcid, login.password.reveal()));
}
// Our certificate says who we are; this says for whom.
std::unique_ptr<Client> make_external_client(const ClientSetting& setting) {
  return std::make_unique<OneMessage>(Secret(setting.login.authzid));
}
std::unique_ptr<Client> make_login_client(const ClientSetting& setting) {
  return std::make_unique<LoginClient>(setting.login);
}
std::unique_ptr<Client> make_cram_md5_client(const ClientSetting& setting) {
  return std::make_unique<CramMd5Client>(setting.login);
}

}  // namespace postigo::sasl
