// AUTHENTICATE PLAIN where the backend lists it, else LOGIN (T34), else AUTHENTICATE LOGIN. Which bytes of it are sent
// when, and what an answer means, is back.cc's business; what mechanisms say is sasl/client.h's.
#include "parser/imap/login_command.h"

#include <algorithm>
#include <string>

namespace postigo::imap {
namespace {

// Longer strings go as literals: RFC 2683 3.2.1.5 asks for lines of 1000 octets at most from clients.
constexpr size_t kQuotedMax = 400;
// The same for an initial response: a longer one waits for the "+", which takes longer lines in many servers.
constexpr size_t kInitialResponseMax = 900;
// LITERAL- (RFC 7888 5).
constexpr size_t kLiteralMinusMax = 4096;
// What a login command has beside its tag and the credentials, as a rule.
constexpr size_t kWordsMax = 32;

bool quotable(Bytes text) {
  return text.size() <= kQuotedMax &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7f; });
}

void append_quoted(Secret& line, Bytes text) {
  line.append("\"");
  auto escaped = [](char c) { return c == '"' || c == '\\'; };
  while (true) {
    auto end = static_cast<size_t>(std::find_if(text.begin(), text.end(), escaped) - text.begin());
    line.append(text.substr(0, end));
    if (end == text.size()) break;
    line.append("\\");
    line.append(text.substr(end, 1));
    text.remove_prefix(end + 1);
  }
  line.append("\"");
}

// Appends a blank and `text` to the last piece; a synchronising literal opens a new one.
void append_argument(std::vector<Secret>& pieces, Bytes text, LoginWay way, const LoginAbilities& abilities) {
  pieces.back().append(" ");
  if (way == LoginWay::quoted || quotable(text)) return append_quoted(pieces.back(), text);
  bool at_once = abilities.literal_plus || (abilities.literal_minus && text.size() <= kLiteralMinusMax);
  pieces.back().append("{" + std::to_string(text.size()) + (at_once ? "+}\r\n" : "}\r\n"));
  if (!at_once) pieces.emplace_back();
  pieces.back().append(text);
}

}  // namespace

LoginAbilities login_abilities(const std::vector<std::string>& capabilities) {
  auto lists = [&](Bytes name) {
    return std::find(capabilities.begin(), capabilities.end(), name) != capabilities.end();
  };
  LoginAbilities abilities;
  abilities.plain = lists("AUTH=PLAIN");
  abilities.auth_login = lists("AUTH=LOGIN");
  abilities.login = !lists("LOGINDISABLED");
  abilities.sasl_ir = lists("SASL-IR");
  abilities.literal_plus = lists("LITERAL+");
  abilities.literal_minus = lists("LITERAL-");
  return abilities;
}

Result<LoginWays> login_ways(const BackLogin& login, const LoginAbilities& abilities) {
  LoginWays ways;
  auto add = [&](LoginWay way) { ways.all[ways.count++] = way; };
  if (abilities.plain) add(LoginWay::plain);
  if (login.authzid.empty() && abilities.login) {
    add(LoginWay::login);
    if (!quotable(login.authcid) || !quotable(login.password.reveal())) add(LoginWay::quoted);
  }
  if (ways.count == 0 && login.authzid.empty() && abilities.auth_login) add(LoginWay::sasl);
  if (ways.count > 0) return ways;
  if (login.authzid.empty()) return fail("the backend does not accept passwords on this connection");
  return fail("the backend does not offer AUTH=PLAIN, which a master login needs");
}

// REQUIRES of a quoted string: no NUL, CR or LF in it (sasl/credentials.h).
std::vector<Secret> login_command(Bytes tag, LoginWay way, const BackLogin& login, const LoginAbilities& abilities) {
  std::vector<Secret> pieces(1);
  pieces.back().reserve(tag.size() + login.authcid.size() + login.password.size() + kWordsMax);
  pieces.back().append(tag);
  pieces.back().append(" LOGIN");
  append_argument(pieces, login.authcid, way, abilities);
  append_argument(pieces, login.password.reveal(), way, abilities);
  pieces.back().append("\r\n");
  return pieces;
}

bool goes_with_the_command(size_t initial_response, const LoginAbilities& abilities) {
  return abilities.sasl_ir && initial_response > 0 && initial_response <= kInitialResponseMax;
}

}  // namespace postigo::imap
