// The LOGIN of draft-murchison-sasl-login: two prompts, whose texts clients compare. An initial response is the name.
#include <optional>

#include "parser/base/limits.h"
#include "parser/sasl/credentials.h"
#include "parser/sasl/mechanisms.h"

namespace postigo::sasl {
namespace {

class Login final : public Server {
 public:
  Status step(const Bytes* response, std::string& challenge, Credentials& credentials) override {
    if (response == nullptr) {
      challenge = "Username:";
      return Status::challenge;
    }
    if (response->find('\0') != Bytes::npos) return Status::malformed;
    if (!user_) {
      user_ = response->substr(0, limits::kUserMax + 1);  // longer is as impossible
      challenge = "Password:";
      return Status::challenge;
    }
    credentials = make_credentials("LOGIN", {}, *user_, *response);
    return Status::done;
  }

 private:
  std::optional<std::string> user_;  // as said, acceptable or not: the answer is the same for every name (A21)
};

}  // namespace

std::unique_ptr<Server> make_login(const Setting&) { return std::make_unique<Login>(); }

}  // namespace postigo::sasl
