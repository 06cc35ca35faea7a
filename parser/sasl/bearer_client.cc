// OAUTHBEARER (RFC 7628) and XOAUTH2 as a client: the token of somebody who has come to us with one goes on as it is.
//
// A challenge can only be the reason of a no; it is answered with nothing that matters, and the no follows (T22). Not
// here: who comes with a token (bearer.cc), whether it is good (the backend).
#include <algorithm>

#include "parser/sasl/client.h"
#include "parser/sasl/credentials.h"

namespace postigo::sasl {
namespace {

constexpr size_t kReasonMax = 1024;

// What a client may be told: an object of JSON's, in printable ASCII, on one line.
bool is_reason(Bytes text) {
  return text.size() <= kReasonMax && text.starts_with('{') && text.ends_with('}') &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7f; });
}

class BearerClient final : public Client {
 public:
  BearerClient(const ClientSetting& setting, Bytes refused) : login_(setting.login), refused_(refused) {}

  std::optional<Secret> initial() override {
    Secret message;
    message.reserve(login_.authcid.size() * 3 + login_.password.size() + 64);
    if (refused_.empty()) {
      message.append("user=");
      message.append(login_.authcid);
    } else {
      message.append("n,a=");
      message.append(encode_saslname(login_.authcid));
      message.append(",");
    }
    message.append("\1auth=Bearer ");
    message.append(login_.password.reveal());
    message.append("\1\1");
    return message;
  }

  Result<Secret> respond(Bytes challenge) override {
    if (complete_) return fail("the backend asks for more than a token");
    complete_ = true;
    if (is_reason(challenge)) reason_ = challenge;
    return Secret(refused_);
  }

  bool complete() const override { return complete_; }
  Bytes told() const override { return reason_; }

  Result<bool> accepted() const override {
    if (!complete_) return true;
    return fail("the backend says yes after it has said why not");
  }

 private:
  const BackLogin& login_;
  const Bytes refused_;  // the answer to a reason; empty: XOAUTH2
  bool complete_ = false;
  std::string reason_;
};

}  // namespace

std::unique_ptr<Client> make_oauthbearer_client(const ClientSetting& setting) {
  return std::make_unique<BearerClient>(setting, "\1");
}
std::unique_ptr<Client> make_xoauth2_client(const ClientSetting& setting) {
  return std::make_unique<BearerClient>(setting, "");
}

}  // namespace postigo::sasl
