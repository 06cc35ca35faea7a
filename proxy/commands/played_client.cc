// Not here: who is let in (rehearsal.cc).
#include "proxy/commands/played_client.h"

#include <openssl/digest.h>

#include <limits>
#include <optional>
#include <utility>

#include "parser/sasl/crypto.h"

namespace postigo::commands {

namespace {

// APOP, ANONYMOUS: all that there is to say is known from the start.
class Says final : public sasl::Client {
 public:
  explicit Says(Secret message) : message_(std::move(message)) {}
  std::optional<Secret> initial() override { return std::move(message_); }
  Result<Secret> respond(Bytes) override { return fail("the mechanism asks for more than there is to say"); }
  bool complete() const override { return true; }

 private:
  Secret message_;
};

// RFC 1939 7.
Secret apop(const BackLogin& login, Bytes timestamp) {
  Secret text(timestamp);
  text.append(login.password.reveal());
  return Secret(login.authcid + " " + sasl::hex(sasl::digest(EVP_md5(), text.reveal()).reveal()));
}

}  // namespace

bool carries_authzid(std::string_view mechanism) {
  const sasl::ClientMechanism* row = sasl::find_client_mechanism(mechanism);
  return row != nullptr && row->authzid;
}

// Whatever a directory keeps of him may be used here, also what no backend could ask for.
std::unique_ptr<sasl::Client> make_played_client(std::string_view mechanism, const BackLogin& login,
                                                 const sasl::Channel& channel, Bytes timestamp) {
  if (const sasl::ClientMechanism* row = sasl::find_client_mechanism(mechanism)) {
    return row->make({.login = login,
                      .channel = &channel,
                      .binding_listed = true,
                      .iterations_min = 1,
                      .iterations_max = std::numeric_limits<unsigned>::max()});
  }
  return std::make_unique<Says>(mechanism == "APOP" ? apop(login, timestamp) : Secret("postigo"));
}

}  // namespace postigo::commands
