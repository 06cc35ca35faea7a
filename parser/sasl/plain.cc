// PLAIN (RFC 4616): [authzid] NUL authcid NUL passwd, and no third NUL (T7).
#include "parser/sasl/credentials.h"
#include "parser/sasl/mechanisms.h"

namespace postigo::sasl {
namespace {

// Cuts the part before the first NUL off `text`; false if there is no NUL.
bool take_until_nul(Bytes& text, Bytes& part) {
  size_t nul = text.find('\0');
  if (nul == Bytes::npos) return false;
  part = text.substr(0, nul);
  text.remove_prefix(nul + 1);
  return true;
}

class Plain final : public Server {
 public:
  Status step(const Bytes* response, std::string& challenge, Credentials& credentials) override {
    if (response == nullptr) {
      challenge.clear();
      return Status::challenge;
    }
    Bytes password = *response;
    Bytes authzid;
    Bytes authcid;
    bool whole =
        take_until_nul(password, authzid) && take_until_nul(password, authcid) && password.find('\0') == Bytes::npos;
    if (!whole) return Status::malformed;
    credentials = make_credentials("PLAIN", authzid, authcid, password);
    return Status::done;
  }
};

}  // namespace

std::unique_ptr<Server> make_plain(const Setting&) { return std::make_unique<Plain>(); }

}  // namespace postigo::sasl
