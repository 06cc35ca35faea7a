// The server side of SASL: whatever a client sends, only clean credentials come out, what PLAIN reads is what
// plain_message writes, and nobody without a secret is ever proven. Input: mechanism and form in the first octet, then
// responses separated by LF.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "parser/base/limits.h"
#include "parser/sasl/client.h"
#include "parser/sasl/credentials.h"
#include "parser/sasl/server.h"
#include "tests/fuzz/sasl_parts.h"

namespace {

using namespace postigo;

void require(bool condition) {
  if (!condition) std::abort();
}

void check(const Credentials& got, Bytes response) {
  Bytes password = got.password.reveal();
  if (!got.possible) return require(password.empty() && got.authzid.empty() && got.user.size() <= limits::kUserMax);
  require(sasl::acceptable_user(got.user) || (got.proof == Proof::token && got.user.empty()));
  bool said = got.proof == Proof::password || got.proof == Proof::token;
  require(said ? sasl::acceptable_password(password) : password.empty());
  for (Bytes text : {Bytes(got.user), Bytes(got.authzid), password}) {
    require(text.find_first_of(Bytes("\0\r\n", 3)) == Bytes::npos);
  }
  require(got.authzid != got.user);
  require(got.proof != Proof::proven || !fuzz::secret_of(got.user).cleartext.empty());
  require((got.proof == Proof::certificate) == (got.mechanism == "EXTERNAL"));
  if (got.mechanism != "PLAIN") return;
  bool oneself = sasl::plain_message(got.user, got.user, password).equals(response);
  require(oneself || sasl::plain_message(got.authzid, got.user, password).equals(response));
}

std::string mechanism_of(uint8_t octet) {
  const std::vector<std::string> all = fuzz::all_mechanisms();
  size_t which = octet >> 2;
  if (which == 0) return octet & 1 ? "plain" : "LOGIN";
  return all[(which - 1) % all.size()];
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const sasl::Setting setting{fuzz::facts(), "mail.example.org", (data[0] & 1) != 0, "<1@mail.example.org>"};
  auto server = sasl::make_server(mechanism_of(data[0]), setting);
  Bytes rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  Credentials credentials;
  std::string challenge;
  auto status = sasl::Status::challenge;
  if (data[0] & 2) status = server->step(nullptr, challenge, credentials);
  bool supplied = false;
  for (int step = 0; status == sasl::Status::challenge; ++step) {
    require(step < 5);
    Bytes response = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(response.size() == rest.size() ? rest.size() : response.size() + 1);
    status = server->step(&response, challenge, credentials);
    if (status == sasl::Status::need_secret) {
      require(!supplied && credentials.possible && credentials.proof == Proof::rejected);
      supplied = true;
      status = server->supply(fuzz::secret_of(credentials.user), challenge, credentials);
    }
    if (status == sasl::Status::done) check(credentials, response);
  }
  return 0;
}
