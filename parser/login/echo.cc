// A few octets in common are enough: a server may cut what it quotes. Of a short password all of it must be there.
#include "parser/login/echo.h"

#include <algorithm>
#include <string>

#include "parser/base/ascii.h"
#include "parser/base/base64.h"
#include "parser/base/secret.h"
#include "parser/sasl/client.h"

namespace postigo {
namespace {

constexpr size_t kPart = 6;

bool share_a_part(Bytes text, Bytes secret) {
  size_t part = std::min(kPart, secret.size());
  for (size_t at = 0; part > 0 && at + part <= text.size(); ++at) {
    if (secret.find(text.substr(at, part)) != Bytes::npos) return true;
  }
  return false;
}

bool share_its_base64(Bytes text, Bytes secret) {
  std::string base64 = base64_encode(secret);
  bool found = share_a_part(text, base64);
  wipe(base64.data(), base64.size());
  return found;
}

// As a quoted string has it: LOGIN says pa"ss as pa\"ss.
std::string without_backslashes(Bytes text) {
  std::string result(text);
  std::erase(result, '\\');
  return result;
}

bool share_it_quoted(Bytes text, Bytes secret) {
  if (secret.find_first_of("\"\\") == Bytes::npos) return false;
  std::string bare = without_backslashes(secret);
  bool found = share_a_part(without_backslashes(text), bare);
  wipe(bare.data(), bare.size());
  return found;
}

}  // namespace

bool repeats_credentials(Bytes text, const BackLogin& login) {
  Bytes password = login.password.reveal();
  if (share_a_part(text, login.said.reveal())) return true;
  if (text.empty() || password.empty()) return false;
  Secret message = sasl::plain_message(login.authzid, login.authcid, password);
  return share_a_part(text, password) || share_it_quoted(text, password) || share_its_base64(text, password) ||
         share_its_base64(text, message.reveal());
}

std::string readable(Bytes text, const BackLogin& login, size_t max) {
  text = text.substr(0, max + 64);  // more is not shown, nor does it go on from there
  return repeats_credentials(text, login) ? "(a text that repeats what we said)" : printable(text, max);
}

}  // namespace postigo
