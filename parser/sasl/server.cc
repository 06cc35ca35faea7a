// The mechanisms that end at us, one row each in kMechanisms, and the checks that every name and password passes.
// Not here: base64, "+ " and "*" (the dialogues), who may use which mechanism (FrontPolicy), whether the password is
// right (backends/).
#include "parser/sasl/server.h"

#include <array>

#include "parser/base/ascii.h"
#include "parser/base/limits.h"

namespace postigo::sasl {
namespace {

bool acceptable(Bytes text, size_t max) {
  return !text.empty() && text.size() <= max && !has_ctl(text) && is_utf8(text);
}

// Cuts the part before the first NUL off `text`; false if there is no NUL.
bool take_until_nul(Bytes& text, Bytes& part) {
  size_t nul = text.find('\0');
  if (nul == Bytes::npos) return false;
  part = text.substr(0, nul);
  text.remove_prefix(nul + 1);
  return true;
}

// RFC 4616: [authzid] NUL authcid NUL passwd. A NUL too many falls to acceptable_password (T7).
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
    if (!take_until_nul(password, authzid) || !take_until_nul(password, authcid)) return Status::malformed;
    if (!acceptable_user(authcid) || !acceptable_password(password)) return Status::malformed;
    if (!authzid.empty() && !acceptable_user(authzid)) return Status::malformed;

    credentials.mechanism = "PLAIN";
    credentials.user = authcid;
    // To act as oneself needs nobody's permission; anything else is kept for who decides (T24).
    credentials.authzid = authzid == authcid ? Bytes() : authzid;
    credentials.password = Secret(password);
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
    if (user_.empty()) {
      if (!acceptable_user(*response)) return Status::malformed;
      user_ = *response;
      challenge = "Password:";
      return Status::challenge;
    }
    if (!acceptable_password(*response)) return Status::malformed;
    credentials.mechanism = "LOGIN";
    credentials.user = user_;
    credentials.authzid.clear();
    credentials.password = Secret(*response);
    return Status::done;
  }

 private:
  std::string user_;  // acceptable names are not empty: empty means "not said yet"
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

}  // namespace

std::unique_ptr<Server> make_server(std::string_view mechanism) {
  for (const Row& row : kMechanisms) {
    if (equal_ignoring_case(mechanism, row.name)) return row.make();
  }
  return nullptr;
}

bool acceptable_user(Bytes user) { return acceptable(user, limits::kUserMax); }

// An empty password is refused too: RFC 4616 wants at least one character, and some LDAP servers take a bind without
// one for a success (RFC 4513 5.1.2).
bool acceptable_password(Bytes password) { return acceptable(password, limits::kPasswordMax); }

Secret plain_message(Bytes authzid, Bytes authcid, Bytes password) {
  constexpr Bytes kNul{"\0", 1};
  Secret message(authzid);
  message.append(kNul);
  message.append(authcid);
  message.append(kNul);
  message.append(password);
  return message;
}

}  // namespace postigo::sasl
