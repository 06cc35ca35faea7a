// ANONYMOUS (RFC 4505): whoever asks is let in as nobody in particular. What he says of himself (an address, a token of
// his own) is for nobody to rely on, and is dropped.
#include "parser/sasl/credentials.h"
#include "parser/sasl/mechanisms.h"

namespace postigo::sasl {
namespace {

constexpr size_t kTraceMax = 255 * 4;  // characters, in UTF-8

class Anonymous final : public Server {
 public:
  Status step(const Bytes* response, std::string& challenge, Credentials& credentials) override {
    if (response == nullptr) {
      challenge.clear();
      return Status::challenge;
    }
    if (response->find('\0') != Bytes::npos || response->size() > kTraceMax) return Status::malformed;
    credentials = make_claim("ANONYMOUS", {}, "anonymous", Proof::anonymous);
    return Status::done;
  }
};

}  // namespace

std::unique_ptr<Server> make_anonymous(const Setting&) { return std::make_unique<Anonymous>(); }

}  // namespace postigo::sasl
