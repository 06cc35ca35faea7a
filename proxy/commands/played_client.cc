// One class per family. Nothing is checked of what the server says: it is ours. Not here: who is let in (rehearsal.cc).
#include "proxy/commands/played_client.h"

#include <openssl/digest.h>
#include <openssl/evp.h>

#include <array>
#include <charconv>
#include <string>
#include <utility>

#include "parser/base/base64.h"
#include "parser/sasl/client.h"
#include "parser/sasl/crypto.h"
#include "parser/sasl/server.h"
#include "proxy/commands/rehearsal.h"

namespace postigo::commands {

namespace {

constexpr Bytes kBinding = "tls-exporter";

// All that it has to say is known from the start.
class Says final : public PlayedClient {
 public:
  explicit Says(Secret first, Secret then = {}) : first_(std::move(first)), then_(std::move(then)) {}
  std::optional<Secret> initial() override { return first_; }
  Secret respond(Bytes) override { return then_; }

 private:
  Secret first_, then_;
};

// "name digits": CRAM-MD5, and APOP, whose challenge stands in the greeting.
Secret md5_answer(const Visitor& visitor, const Secret& made) {
  Secret answer(visitor.user);
  answer.append(" ");
  answer.append(sasl::hex(made.reveal()));
  return answer;
}

class CramMd5 final : public PlayedClient {
 public:
  explicit CramMd5(const Visitor& visitor) : visitor_(visitor) {}
  Secret respond(Bytes challenge) override {
    return md5_answer(visitor_, sasl::hmac(EVP_md5(), visitor_.secret.reveal(), challenge));
  }

 private:
  const Visitor& visitor_;
};

// RFC 5801 4: no comma, no equals sign.
std::string saslname(Bytes name) {
  std::string written;
  for (char c : name) written += c == ',' ? "=2C" : c == '=' ? "=3D" : std::string(1, c);
  return written;
}

Bytes part(Bytes message, Bytes key) {
  const size_t at = message.starts_with(key) ? 0 : message.find("," + std::string(key)) + 1;
  const Bytes value = message.substr(at + key.size());
  return value.substr(0, value.find(','));
}

// RFC 5802 3 and 5.
class Scram final : public PlayedClient {
 public:
  Scram(const Visitor& visitor, const sasl::Facts& facts, const EVP_MD* hash, bool binds)
      : visitor_(visitor),
        hash_(hash),
        header_(std::string(binds ? "p=" + std::string(kBinding) : "n") + "," +
                (visitor.authzid.empty() ? "" : "a=" + saslname(visitor.authzid)) + ","),
        binding_(binds ? facts.channel_binding(kBinding) : ""),
        bare_("n=" + saslname(visitor.user) + ",r=" + facts.unique()) {}

  std::optional<Secret> initial() override { return Secret(header_ + bare_); }

  Secret respond(Bytes challenge) override {
    if (challenge.starts_with("v=")) return {};
    const std::string bound = "c=" + base64_encode(header_ + binding_) + ",r=" + std::string(part(challenge, "r="));
    const std::string said = bare_ + "," + std::string(challenge) + "," + bound;
    const Secret key = sasl::hmac(hash_, salted(challenge).reveal(), "Client Key");
    const Secret signature = sasl::hmac(hash_, sasl::digest(hash_, key.reveal()).reveal(), said);
    std::string proof(key.reveal());
    for (size_t i = 0; i < proof.size(); ++i) proof[i] = static_cast<char>(proof[i] ^ signature.reveal()[i]);
    return Secret(bound + ",p=" + base64_encode(proof));
  }

 private:
  Secret salted(Bytes challenge) const {
    const Bytes digits = part(challenge, "i=");
    unsigned iterations = 1;
    std::from_chars(digits.data(), digits.data() + digits.size(), iterations);
    const auto salt = base64_decode(part(challenge, "s=")).value_or(Secret());
    std::array<unsigned char, EVP_MAX_MD_SIZE> made{};
    const size_t size = EVP_MD_size(hash_);
    PKCS5_PBKDF2_HMAC(visitor_.secret.reveal().data(), visitor_.secret.size(),
                      reinterpret_cast<const unsigned char*>(salt.reveal().data()), salt.size(), iterations, hash_,
                      size, made.data());
    return Secret(Bytes(reinterpret_cast<const char*>(made.data()), size));
  }

  const Visitor& visitor_;
  const EVP_MD* hash_;
  const std::string header_, binding_, bare_;
};

Secret bearer(const std::string& before, const Secret& token) {
  Secret message(before);
  message.append(
      "\x01"
      "auth=Bearer ");
  message.append(token.reveal());
  message.append("\x01\x01");
  return message;
}

}  // namespace

bool carries_authzid(std::string_view mechanism) {
  return mechanism == "PLAIN" || mechanism == "EXTERNAL" || mechanism.starts_with("SCRAM-");
}

std::unique_ptr<PlayedClient> make_played_client(const Visitor& visitor, const sasl::Facts& facts, Bytes timestamp) {
  const std::string_view name = visitor.mechanism->name;
  if (name.starts_with("SCRAM-")) {
    const EVP_MD* hash = name.starts_with("SCRAM-SHA-1") ? EVP_sha1() : EVP_sha256();
    return std::make_unique<Scram>(visitor, facts, hash, visitor.mechanism->binds);
  }
  if (name == "CRAM-MD5") return std::make_unique<CramMd5>(visitor);
  if (name == "APOP") {
    Secret text(timestamp);
    text.append(visitor.secret.reveal());
    return std::make_unique<Says>(md5_answer(visitor, sasl::digest(EVP_md5(), text.reveal())));
  }
  if (name == "LOGIN") return std::make_unique<Says>(Secret(visitor.user), visitor.secret);
  if (name == "OAUTHBEARER")
    return std::make_unique<Says>(bearer("n,a=" + saslname(visitor.user) + ",", visitor.secret));
  if (name == "XOAUTH2") return std::make_unique<Says>(bearer("user=" + visitor.user, visitor.secret));
  if (name == "EXTERNAL") return std::make_unique<Says>(Secret(visitor.authzid));
  if (name == "ANONYMOUS") return std::make_unique<Says>(Secret("postigo"));
  return std::make_unique<Says>(sasl::plain_message(visitor.authzid, visitor.user, visitor.secret.reveal()));
}

}  // namespace postigo::commands
