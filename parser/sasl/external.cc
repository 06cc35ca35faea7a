// EXTERNAL (RFC 4422 appendix A): TLS has said who the client is; what it sends is whom it wants to act as, or nothing.
#include "parser/sasl/credentials.h"
#include "parser/sasl/mechanisms.h"

namespace postigo::sasl {
namespace {

class External final : public Server {
 public:
  explicit External(const Setting& setting) : facts_(setting.facts) {}

  Status step(const Bytes* response, std::string& challenge, Credentials& credentials) override {
    if (response == nullptr) {
      challenge.clear();
      return Status::challenge;
    }
    if (response->find('\0') != Bytes::npos) return Status::malformed;
    credentials = make_claim("EXTERNAL", *response, facts_.certificate_name(), Proof::certificate);
    return Status::done;
  }

 private:
  const Facts& facts_;
};

}  // namespace

std::unique_ptr<Server> make_external(const Setting& setting) { return std::make_unique<External>(setting); }

}  // namespace postigo::sasl
