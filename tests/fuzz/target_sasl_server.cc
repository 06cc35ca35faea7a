// The server side of SASL: whatever a client sends, only clean credentials come out, and what PLAIN reads is what
// plain_message writes. Input: mechanism and form in the first octet, then responses separated by LF.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "parser/base/limits.h"
#include "parser/sasl/credentials.h"
#include "parser/sasl/server.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void check(const postigo::Credentials& got, postigo::Bytes response) {
  using namespace postigo;
  Bytes password = got.password.reveal();
  if (!got.possible) return require(password.empty() && got.authzid.empty() && got.user.size() <= limits::kUserMax);
  require(sasl::acceptable_user(got.user) && sasl::acceptable_password(password));
  for (Bytes text : {Bytes(got.user), Bytes(got.authzid), password}) {
    require(text.find_first_of(Bytes("\0\r\n", 3)) == Bytes::npos);
  }
  require(got.authzid != got.user);
  if (got.mechanism != "PLAIN") return;
  bool oneself = sasl::plain_message(got.user, got.user, password).equals(response);
  require(oneself || sasl::plain_message(got.authzid, got.user, password).equals(response));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace postigo;
  if (size == 0) return 0;
  auto server = sasl::make_server(data[0] & 1 ? "plain" : "LOGIN");
  Bytes rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  Credentials credentials;
  std::string challenge;
  auto status = sasl::Status::challenge;
  if (data[0] & 2) status = server->step(nullptr, challenge, credentials);
  for (int step = 0; status == sasl::Status::challenge; ++step) {
    require(step < 3);
    Bytes response = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(response.size() == rest.size() ? rest.size() : response.size() + 1);
    status = server->step(&response, challenge, credentials);
    if (status == sasl::Status::done) check(credentials, response);
  }
  return 0;
}
