// Bearer tokens: OAUTHBEARER (RFC 7628), and its predecessor XOAUTH2, which Google and Microsoft still speak. Both
// carry pairs that end with a ^A each; one of them is "auth", with the token.
//
// A refusal comes in two steps: what is wrong, as JSON in a challenge, an answer of the client's that says nothing, and
// then the protocol's own "no" (T22). Not here: what is in a token, and whether it is good (a directory).
#include <optional>

#include "parser/base/ascii.h"
#include "parser/sasl/credentials.h"
#include "parser/sasl/mechanisms.h"

namespace postigo::sasl {
namespace {

constexpr char kFieldEnd = '\x01';
constexpr Bytes kScheme = "Bearer ";

// Cuts "key=value" ^A off `text`. False: there is no such pair.
bool take_pair(Bytes& text, Bytes& key, Bytes& value) {
  size_t end = text.find(kFieldEnd);
  if (end == Bytes::npos) return false;
  Bytes pair = text.substr(0, end);
  size_t equals = pair.find('=');
  if (equals == Bytes::npos || equals == 0) return false;
  key = pair.substr(0, equals);
  value = pair.substr(equals + 1);
  text.remove_prefix(end + 1);
  return true;
}

// The token behind "auth=Bearer ". False: there is none, or it stands there twice.
bool take_token(Bytes key, Bytes value, std::optional<Bytes>& token) {
  if (!equal_ignoring_case(key, "auth")) return true;
  if (token || !starts_with_ignoring_case(value, kScheme)) return false;
  token = value.substr(kScheme.size());
  return true;
}

class Bearer : public Server {
 public:
  Status step(const Bytes* response, std::string& challenge, Credentials& credentials) final {
    if (response == nullptr) {
      challenge.clear();
      return Status::challenge;
    }
    std::string user;
    std::optional<Bytes> token;
    if (response->find('\0') != Bytes::npos || !read(*response, user, token) || !token) return Status::malformed;
    credentials = make_bearer(name(), user, *token);
    return Status::done;
  }

 protected:
  virtual Bytes name() const = 0;
  virtual bool read(Bytes text, std::string& user, std::optional<Bytes>& token) const = 0;
};

// gs2-header ^A *(key "=" value ^A) ^A; host and port are said by some, and known to us.
class OauthBearer final : public Bearer {
 public:
  std::string failure() const override { return R"({"status":"invalid_token"})"; }

 protected:
  Bytes name() const override { return "OAUTHBEARER"; }
  bool read(Bytes text, std::string& user, std::optional<Bytes>& token) const override {
    size_t end = text.find(kFieldEnd);
    if (end == Bytes::npos || !read_header(text.substr(0, end), user)) return false;
    text.remove_prefix(end + 1);
    for (Bytes key, value; take_pair(text, key, value);) {
      if (!take_token(key, value, token)) return false;
    }
    return text.size() == 1 && text[0] == kFieldEnd;
  }

 private:
  // "n," ["a=" authzid] ","; "y" means no more than "n" here, as there is no channel binding with tokens (T23).
  static bool read_header(Bytes header, std::string& user) {
    if (!(header.starts_with("n,") || header.starts_with("y,")) || !header.ends_with(',') || header.size() < 3) {
      return false;
    }
    Bytes authzid = header.substr(2, header.size() - 3);
    return authzid.empty() || (authzid.starts_with("a=") && decode_saslname(authzid.substr(2), user));
  }
};

// "user=" name ^A "auth=Bearer " token ^A ^A
class Xoauth2 final : public Bearer {
 public:
  std::string failure() const override { return R"({"status":"401","schemes":"bearer","scope":"mail"})"; }

 protected:
  Bytes name() const override { return "XOAUTH2"; }
  bool read(Bytes text, std::string& user, std::optional<Bytes>& token) const override {
    for (Bytes key, value; take_pair(text, key, value);) {
      if (!take_token(key, value, token)) return false;
      if (!equal_ignoring_case(key, "user")) continue;
      if (!user.empty() || value.empty()) return false;
      user = value;
    }
    return text.size() == 1 && text[0] == kFieldEnd && !user.empty();
  }
};

}  // namespace

std::unique_ptr<Server> make_oauthbearer(const Setting&) { return std::make_unique<OauthBearer>(); }
std::unique_ptr<Server> make_xoauth2(const Setting&) { return std::make_unique<Xoauth2>(); }

}  // namespace postigo::sasl
