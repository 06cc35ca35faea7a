// AUTHENTICATE PLAIN where the backend lists it, else LOGIN (T34). Which bytes of it are sent when, and what an answer
// means, is back.cc's business.
#include "parser/imap/login_command.h"

#include <algorithm>
#include <string>

#include "parser/base/base64.h"
#include "parser/sasl/server.h"

namespace postigo::imap {
namespace {

// Longer strings go as literals: RFC 2683 3.2.1.5 asks for lines of 1000 octets at most from clients.
constexpr size_t kQuotedMax = 400;
// The same for an initial response: a longer one waits for the "+", which takes longer lines in many servers.
constexpr size_t kInitialResponseMax = 900;
// LITERAL- (RFC 7888 5).
constexpr size_t kLiteralMinusMax = 4096;

bool lists(const std::vector<std::string>& capabilities, Bytes name) {
  return std::find(capabilities.begin(), capabilities.end(), name) != capabilities.end();
}

bool quotable(Bytes text) {
  return text.size() <= kQuotedMax &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7f; });
}

void append_quoted(Secret& line, Bytes text) {
  line.append("\"");
  for (const char& c : text) {
    if (c == '"' || c == '\\') line.append("\\");
    line.append({&c, 1});
  }
  line.append("\"");
}

// Appends a blank and `text` to the last piece; a synchronising literal opens a new one.
void append_argument(std::vector<Secret>& pieces, Bytes text, LoginWay way,
                     const std::vector<std::string>& capabilities) {
  pieces.back().append(" ");
  if (way == LoginWay::quoted || quotable(text)) return append_quoted(pieces.back(), text);
  bool at_once =
      lists(capabilities, "LITERAL+") || (lists(capabilities, "LITERAL-") && text.size() <= kLiteralMinusMax);
  pieces.back().append("{" + std::to_string(text.size()) + (at_once ? "+}\r\n" : "}\r\n"));
  if (!at_once) pieces.emplace_back();
  pieces.back().append(text);
}

std::vector<Secret> authenticate_plain(Bytes tag, const BackLogin& login, bool initial_response) {
  Secret message = sasl::plain_message(login.authzid, login.authcid, login.password.reveal());
  std::string base64 = base64_encode(message.reveal());
  std::vector<Secret> pieces(1, Secret(tag));
  pieces.back().append(" AUTHENTICATE PLAIN");
  if (initial_response && base64.size() <= kInitialResponseMax) {
    pieces.back().append(" ");
  } else {
    pieces.back().append("\r\n");
    pieces.emplace_back();
  }
  pieces.back().append(base64);
  pieces.back().append("\r\n");
  wipe(base64.data(), base64.size());
  return pieces;
}

}  // namespace

Result<std::vector<LoginWay>> login_ways(const BackLogin& login, const std::vector<std::string>& capabilities) {
  std::vector<LoginWay> ways;
  if (lists(capabilities, "AUTH=PLAIN")) ways.push_back(LoginWay::plain);
  if (login.authzid.empty() && !lists(capabilities, "LOGINDISABLED")) {
    ways.push_back(LoginWay::login);
    if (!quotable(login.authcid) || !quotable(login.password.reveal())) ways.push_back(LoginWay::quoted);
  }
  if (!ways.empty()) return ways;
  if (login.authzid.empty()) return fail("the backend does not accept passwords on this connection");
  return fail("the backend does not offer AUTH=PLAIN, which a master login needs");
}

// REQUIRES of a quoted string: no NUL, CR or LF in it (sasl/credentials.h).
std::vector<Secret> login_command(Bytes tag, LoginWay way, const BackLogin& login,
                                  const std::vector<std::string>& capabilities) {
  if (way == LoginWay::plain) return authenticate_plain(tag, login, lists(capabilities, "SASL-IR"));
  std::vector<Secret> pieces(1, Secret(tag));
  pieces.back().append(" LOGIN");
  append_argument(pieces, login.authcid, way, capabilities);
  append_argument(pieces, login.password.reveal(), way, capabilities);
  pieces.back().append("\r\n");
  return pieces;
}

}  // namespace postigo::imap
