// From a mechanism's octets to the lines of a dialogue. Not here: the mechanisms (sasl/client.h), which one
// (sasl/choose.h).
#include "parser/login/sasl_talk.h"

#include "parser/base/base64.h"

namespace postigo {
namespace {

constexpr Bytes kEmpty = "=";

}  // namespace

void SaslTalk::begin(const sasl::ClientMechanism& mechanism, const BackPolicy& policy, BackLogin& login,
                     bool binding_listed) {
  login_ = &login;
  spoken_ = false;
  client_ = mechanism.make({login, policy.channel, policy.kept, binding_listed});
  initial_ = client_->initial();
  if (initial_) initial_ = in_base64(*initial_);
  if (initial_ && initial_->empty()) initial_ = Secret(kEmpty);
}

Secret SaslTalk::in_base64(const Secret& response) {
  std::string base64 = base64_encode(response.reveal());
  Secret line(base64);
  wipe(base64.data(), base64.size());
  login_->said.append(line.reveal());
  return line;
}

Secret SaslTalk::take_initial() {
  spoken_ = true;
  Secret taken = std::move(*initial_);
  initial_.reset();
  return taken;
}

// What stands behind the first "+" is for people, if we speak first (T21).
Result<Secret> SaslTalk::answer(Bytes text) {
  if (initial_) {
    Secret first = take_initial();
    return first.reveal() == kEmpty ? Secret() : first;
  }
  std::optional<Secret> challenge = base64_decode(text);
  if (!challenge) return fail("the backend's challenge is no base64");
  Result<Secret> response = client_->respond(challenge->reveal());
  spoken_ = true;
  if (!response) return response;
  return in_base64(*response);
}

}  // namespace postigo
