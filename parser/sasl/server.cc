// The mechanisms that end at us, one row each in kMechanisms.
// Not here: base64, "+ " and "*" (login/sasl_exchange), what a name and a password may consist of (credentials.cc), who
// may use which mechanism (FrontPolicy), whether the password is right (backends/).
#include "parser/sasl/server.h"

#include <array>
#include <optional>

#include "parser/base/ascii.h"
#include "parser/sasl/credentials.h"

namespace postigo::sasl {
namespace {

constexpr Bytes kNul{"\0", 1};

bool has_nul(Bytes text) { return text.find('\0') != Bytes::npos; }

// Cuts the part before the first NUL off `text`; false if there is no NUL.
bool take_until_nul(Bytes& text, Bytes& part) {
  size_t nul = text.find('\0');
  if (nul == Bytes::npos) return false;
  part = text.substr(0, nul);
  text.remove_prefix(nul + 1);
  return true;
}

// RFC 4616: [authzid] NUL authcid NUL passwd, and no third NUL (T7).
class Plain : public Server {
 public:
  Status step(const Bytes* response, std::string& challenge, Credentials& credentials) override {
    if (response == nullptr) {
      challenge.clear();
      return Status::challenge;
    }
    Bytes password = *response;
    Bytes authzid;
    Bytes authcid;
    bool whole = take_until_nul(password, authzid) && take_until_nul(password, authcid) && !has_nul(password);
    if (!whole) return Status::malformed;
    credentials = make_credentials("PLAIN", authzid, authcid, password);
    return Status::done;
  }
};

// The LOGIN of draft-murchison-sasl-login: two prompts, whose texts clients compare. An initial response is the name.
class Login : public Server {
 public:
  Status step(const Bytes* response, std::string& challenge, Credentials& credentials) override {
    if (response == nullptr) {
      challenge = "Username:";
      return Status::challenge;
    }
    if (has_nul(*response)) return Status::malformed;
    if (!user_) {
      user_ = *response;
      challenge = "Password:";
      return Status::challenge;
    }
    credentials = make_credentials("LOGIN", {}, *user_, *response);
    return Status::done;
  }

 private:
  std::optional<std::string> user_;  // as said, acceptable or not: the answer is the same for every name (A21)
};

template <typename Mechanism>
std::unique_ptr<Server> make() {
  return std::make_unique<Mechanism>();
}

struct Row {
  std::string_view name;
  std::unique_ptr<Server> (*make)();
};

constexpr std::array kMechanisms = {
    Row{"PLAIN", make<Plain>},
    Row{"LOGIN", make<Login>},
};

const Row* find(std::string_view mechanism) {
  for (const Row& row : kMechanisms) {
    if (equal_ignoring_case(mechanism, row.name)) return &row;
  }
  return nullptr;
}

}  // namespace

std::unique_ptr<Server> make_server(std::string_view mechanism) {
  const Row* row = find(mechanism);
  return row != nullptr ? row->make() : nullptr;
}

bool knows(std::string_view mechanism) { return find(mechanism) != nullptr; }

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

}  // namespace postigo::sasl
